(* Claim ICL-1: the forward map of one linear self-attention layer on a      *)
(* regression prompt, and which weights matter.                              *)
(*                                                                           *)
(* Over any commutative ring, all sizes: N context tokens of dimension d, one*)
(* query, any weights. t stands for 1/rho, and delta for the part that the   *)
(* query column takes in E E^T: 1 when it takes part, 0 when it is masked.   *)
(*                                                                           *)
(*  prompt X y xq == [X xq; y 0], tokens as columns                          *)
(*  layer t delta WPV WKQ Z == Z + t WPV Z M (Z^T WKQ Z), M = diag(I, delta) *)
(*  read_out t delta WPV WKQ X y xq == the last entry of the layer's output  *)
(*  value_row p u == a WPV with last row (p^T, u), any other rows            *)
(*  key_columns U q == a WKQ with first columns (U; q^T), any last column    *)
(*  input_gram, input_label, label_square == the G, s, v of the block formula*)
(*  mean_product n X y == s = n sum_i x_i y_i, n for 1/N                     *)

From mathcomp Require Import all_ssreflect all_algebra.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import GRing.Theory.
Local Open Scope ring_scope.

Section Forward.

Variables (R : comRingType) (d N : nat).
Implicit Types (X : 'M[R]_(d, N)) (y : 'rV[R]_N) (xq p q : 'cV[R]_d).
Implicit Types (U : 'M[R]_d) (t delta u : R).

Definition prompt X y xq : 'M[R]_(d + 1, N + 1) := block_mx X xq y 0.

Definition attended delta : 'M[R]_(N + 1) := block_mx 1%:M 0 0 delta%:M.

Definition layer t delta (WPV WKQ : 'M[R]_(d + 1)) (Z : 'M[R]_(d + 1, N + 1)) :=
  Z + t *: (WPV *m Z *m attended delta *m (Z^T *m WKQ *m Z)).

Definition read_out t delta WPV WKQ X y xq : R :=
  layer t delta WPV WKQ (prompt X y xq) (rshift d 0) (rshift N 0).

Definition value_row (V1 : 'M[R]_d) (v2 : 'cV[R]_d) p u : 'M[R]_(d + 1) :=
  block_mx V1 v2 p^T u%:M.

Definition key_columns U q (k1 : 'cV[R]_d) (k2 : R) : 'M[R]_(d + 1) :=
  block_mx U k1 q^T k2%:M.

(* Every pair of weights has this form. *)
Lemma weights_split (WPV WKQ : 'M[R]_(d + 1)) :
  WPV = value_row (ulsubmx WPV) (ursubmx WPV) (dlsubmx WPV)^T (drsubmx WPV 0 0)
  /\ WKQ = key_columns (ulsubmx WKQ) (dlsubmx WKQ)^T (ursubmx WKQ)
             (drsubmx WKQ 0 0).
Proof.
have scalar (M : 'M[R]_1) : (M 0 0)%:M = M.
  by apply/matrixP=> i j; rewrite !ord1 mxE eqxx mulr1n.
by split; rewrite /value_row /key_columns trmxK scalar submxK.
Qed.

Section Statistics.

Variables (t delta : R) (X : 'M[R]_(d, N)) (y : 'rV[R]_N) (xq : 'cV[R]_d).

Definition input_gram : 'M[R]_d := t *: (X *m X^T + delta *: (xq *m xq^T)).
Definition input_label : 'cV[R]_d := t *: (X *m y^T).
Definition label_square : R := t * (y *m y^T) 0 0.

End Statistics.

(* ICL-1: the read-out is the block formula, for any weights; the entries    *)
(* V1, v2, k1, k2 do not occur in it.                                        *)
Theorem forward_map t delta V1 v2 p u U q k1 k2 X y xq :
  read_out t delta (value_row V1 v2 p u) (key_columns U q k1 k2) X y xq =
  ((p^T *m input_gram t delta X xq *m U
    + p^T *m input_label t X y *m q^T
    + u *: ((input_label t X y)^T *m U)
    + (u * label_square t y) *: q^T) *m xq) 0 0.
Proof.
rewrite /read_out /layer /prompt /value_row /key_columns /attended.
rewrite tr_block_mx !mulmx_block scale_block_mx add_block_mx block_mxEdr.
rewrite !(trmx0, mul0mx, mulmx0, addr0, add0r, mulmx1).
have labelT : (input_label t X y)^T = t *: (y *m X^T).
  by rewrite /input_label linearZ /= trmx_mul trmxK.
rewrite labelT /input_gram /input_label /label_square.
have [s [yy ->]] : exists s, y *m y^T = s%:M /\ (y *m y^T) 0 0 = s.
  exists ((y *m y^T) 0 0); split=> //.
  by apply/matrixP=> i j; rewrite !ord1 [RHS]mxE eqxx mulr1n.
congr ((_ : 'M_1) 0 0).
rewrite mul_scalar_mx mul_mx_scalar !(mulmxDl, mulmxDr) !scalerDr.
rewrite -!(scalemxAl, scalemxAr) !mulmxA yy !(mulmxDl, mulmxDr, scalerDr).
rewrite -!(scalemxAl, scalemxAr) !scalerA -!mulmxA mul_scalar_mx !scalerA.
rewrite [t * u]mulrC [u * (t * s)]mulrA !mulmxA.
by rewrite -!addrA; congr (_ + _); rewrite [RHS]addrC -!addrA.
Qed.

(* ICL-1: only the last row of WPV and the first d columns of WKQ matter.    *)
Theorem irrelevant_weights t delta (WPV WPV' WKQ WKQ' : 'M[R]_(d + 1)) X y xq :
  dsubmx WPV = dsubmx WPV' -> lsubmx WKQ = lsubmx WKQ' ->
  read_out t delta WPV WKQ X y xq = read_out t delta WPV' WKQ' X y xq.
Proof.
move=> eP eQ; have [-> ->] := weights_split WPV WKQ.
have [-> ->] := weights_split WPV' WKQ'; rewrite !forward_map.
have eU : ulsubmx WKQ = ulsubmx WKQ'.
  by apply/matrixP=> i j; have /matrixP/(_ (lshift 1 i) j) := eQ; rewrite !mxE.
have eq : dlsubmx WKQ = dlsubmx WKQ'.
  by apply/matrixP=> i j; have /matrixP/(_ (rshift d i) j) := eQ; rewrite !mxE.
by rewrite eU eq /dlsubmx /drsubmx eP.
Qed.

(* ICL-1: with p = 0 the query token contributes nothing to the products.    *)
Theorem query_contributes_nothing t delta V1 v2 u U q k1 k2 X y xq :
  read_out t delta (value_row V1 v2 0 u) (key_columns U q k1 k2) X y xq =
  read_out t 0 (value_row V1 v2 0 u) (key_columns U q k1 k2) X y xq.
Proof. by rewrite !forward_map trmx0 !mul0mx. Qed.

(* ICL-1: p = q = 0; n stands for 1/N. *)
Definition mean_product n X y : 'cV[R]_d := n *: (X *m y^T).

Theorem reduced_prediction t delta n V1 v2 u U k1 k2 X y xq : N%:R * n = 1 ->
  read_out t delta (value_row V1 v2 0 u) (key_columns U 0 k1 k2) X y xq =
  (xq^T *m ((N%:R * t * u) *: U^T) *m mean_product n X y) 0 0.
Proof.
move=> Nn; rewrite forward_map !trmx0 !mul0mx !(mulmx0, scaler0, addr0) add0r.
have -> (M : 'M[R]_1) : M 0 0 = M^T 0 0 by rewrite mxE.
rewrite trmx_mul [(u *: _)^T]linearZ /= trmx_mul trmxK /input_label /mean_product.
rewrite -!(scalemxAl, scalemxAr) !scalerA -!mulmxA; congr ((_ *: _ : 'M_1) 0 0).
by rewrite [n * _]mulrC mulrAC [N%:R * t]mulrC -[t * _ * n]mulrA Nn mulr1 mulrC.
Qed.

(* The statistics as sums over tokens. *)
Lemma input_gramE t delta X xq : input_gram t delta X xq =
  t *: (\sum_i col i X *m (col i X)^T + delta *: (xq *m xq^T)).
Proof.
congr (_ *: (_ + _)); apply/matrixP=> i j; rewrite summxE mxE.
by apply: eq_bigr => k _; rewrite !mxE big_ord1 !mxE.
Qed.

Lemma input_labelE t X y : input_label t X y = t *: \sum_i y 0 i *: col i X.
Proof.
congr (_ *: _); apply/matrixP=> i j; rewrite summxE mxE.
by apply: eq_bigr => k _; rewrite !mxE ord1 mulrC.
Qed.

Lemma label_squareE t y : label_square t y = t * \sum_i y 0 i ^+ 2.
Proof. by congr (_ * _); rewrite mxE; apply: eq_bigr => k _; rewrite mxE. Qed.

End Forward.

(* A number with an inverse: N = 1 in any ring. *)
Example unit_length (R : comRingType) : exists n : R, 1%:R * n = 1.
Proof. by exists 1; rewrite mulr1. Qed.
