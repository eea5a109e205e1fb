(* Claims ICL-30, ICL-31, ICL-32: a linear self-attention layer is a step of *)
(* gradient descent on least squares, and K layers are K steps.              *)
(*                                                                           *)
(* Everything holds over any commutative ring R and for all sizes: inputs of *)
(* dimension d, labels of dimension m, N context tokens, Q queries, K layers.*)
(* The scalar t of R stands for 1/N and eta k for the step of layer k.       *)
(*                                                                           *)
(*  token_update P WV WK WQ C e == e + P sum_i (WV c_i) (WK c_i)^T (WQ e),   *)
(*                      c_i the columns of C: the layer as the paper has it  *)
(*     attention P WV WK WQ E   == the same for all columns of E at once; the*)
(*                      keys and values are the first N columns (context)    *)
(*     gradient t X Y W == t (W X - Y) X^T, gradient of                      *)
(*                         |W X - Y|_F^2 t / 2                               *)
(*   descent t X Y eta W k == W after k steps of sizes eta 0, eta 1, ...     *)
(*  prompt X Xq Y Yq == [X Xq; Y Yq], tokens as columns, queries last        *)
(*  masked_layer t P Q Z == Z + t P Z M Z^T Q Z, M = diag(I_N, 0): form (1)  *)

From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp Require Import ring.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import GRing.Theory.
Local Open Scope ring_scope.

Section Attention.

Variables (R : comRingType) (d m N Q : nat).
Implicit Types (X : 'M[R]_(d, N)) (Xq : 'M[R]_(d, Q)).
Implicit Types (Y : 'M[R]_(m, N)) (W H : 'M[R]_(m, d)).

(* --- gradient descent on least squares ---------------------------------- *)

Definition square_loss t X Y W : R :=
  t * \tr ((W *m X - Y) *m (W *m X - Y)^T).

Definition gradient t X Y W : 'M[R]_(m, d) := t *: ((W *m X - Y) *m X^T).

(* `gradient` is the gradient of half the loss: the loss is quadratic and    *)
(* this is its exact expansion.                                              *)
Lemma gradient_correct t X Y W H :
  square_loss t X Y (W + H) =
  square_loss t X Y W + (\tr (gradient t X Y W *m H^T)) *+ 2
  + t * \tr ((H *m X) *m (H *m X)^T).
Proof.
rewrite /square_loss /gradient -scalemxAl mxtraceZ.
have -> : (W + H) *m X - Y = (W *m X - Y) + H *m X.
  by rewrite mulmxDl addrAC.
set A := W *m X - Y; set B := H *m X.
rewrite [(A + B)^T]linearD /= mulmxDl !mulmxDr !mxtraceD.
have -> : \tr (B *m A^T) = \tr (A *m B^T).
  by rewrite -mxtrace_tr trmx_mul trmxK.
have -> : A *m X^T *m H^T = A *m B^T by rewrite -mulmxA -trmx_mul.
rewrite mulr2n; ring.
Qed.

Fixpoint descent t X Y (eta : nat -> R) W k : 'M[R]_(m, d) :=
  if k is k'.+1 then
    descent t X Y eta W k'
      - eta k' *: gradient t X Y (descent t X Y eta W k')
  else W.

(* --- the layer ----------------------------------------------------------- *)

Definition token_update p (P WV WK WQ : 'M[R]_p) (C : 'M[R]_(p, N))
    (e : 'cV[R]_p) : 'cV[R]_p :=
  e + P *m (\sum_i (WV *m col i C) *m (WK *m col i C)^T) *m (WQ *m e).

Definition attention p (P WV WK WQ : 'M[R]_p) (E : 'M[R]_(p, N + Q)) :=
  E + P *m ((WV *m lsubmx E) *m (WK *m lsubmx E)^T) *m (WQ *m E).

Lemma sum_colM p q (A : 'M[R]_(p, N)) (B : 'M[R]_(q, N)) :
  \sum_i col i A *m (col i B)^T = A *m B^T.
Proof.
apply/matrixP=> i j; rewrite summxE mxE; apply: eq_bigr => k _.
by rewrite !mxE big_ord1 !mxE.
Qed.

(* The matrix form is the paper's sum over tokens, column by column.         *)
Lemma attention_token p (P WV WK WQ : 'M[R]_p) (E : 'M[R]_(p, N + Q)) j :
  col j (attention P WV WK WQ E) =
  token_update P WV WK WQ (lsubmx E) (col j E).
Proof.
rewrite /attention /token_update linearD /=; congr (_ + _).
rewrite colE -!mulmxA -!colE.
congr (P *m _); rewrite !mulmxA; congr (_ *m _ *m _).
rewrite -sum_colM; apply: eq_bigr => i _.
by rewrite !colE !mulmxA.
Qed.

(* --- the weights of ICL-30 ---------------------------------------------- *)

Definition prompt X Xq Y (Yq : 'M[R]_(m, Q)) : 'M[R]_(d + m, N + Q) :=
  block_mx X Xq Y Yq.

Definition key_weight : 'M[R]_(d + m) := block_mx 1%:M 0 0 0.
Definition value_weight W0 : 'M[R]_(d + m) := block_mx 0 0 W0 (- 1%:M).

Definition gd_layer t eta W0 : 'M[R]_(d + m, N + Q) -> 'M[R]_(d + m, N + Q) :=
  attention (eta * t)%:M (value_weight W0) key_weight key_weight.

(* One layer on arbitrary slots: inputs stay, every slot moves by the        *)
(* gradient taken at the residuals that the context slots hold.              *)
Lemma gd_layerE t eta W0 X Xq Y Yq :
  gd_layer t eta W0 (prompt X Xq Y Yq) =
  prompt X Xq (Y + eta *: gradient t X Y W0 *m X)
              (Yq + eta *: gradient t X Y W0 *m Xq).
Proof.
rewrite /gd_layer /attention /prompt /value_weight /key_weight.
rewrite block_mxEh row_mxKl -block_mxEh !mulmx_block !mul_block_col.
rewrite !mul0mx !mul1mx !addr0 mulNmx mul1mx.
rewrite tr_col_mx trmx0 mul_col_row !mul0mx mulmx0 mul_scalar_mx.
rewrite scale_block_mx !scaler0 mulmx_block !mulmx0 !mul0mx !addr0.
rewrite add_block_mx !addr0 /gradient.
by rewrite -!scalemxAl !scalerA.
Qed.

(* ICL-30. One layer = one gradient step, from any initial weight W0.        *)
Theorem one_layer_is_one_step t eta W0 X Xq Y :
  let dW := - (eta *: gradient t X Y W0) in
  gd_layer t eta W0 (prompt X Xq Y (- (W0 *m Xq))) =
  prompt X Xq (Y - dW *m X) (- ((W0 + dW) *m Xq)).
Proof.
rewrite gd_layerE; congr prompt; first by rewrite mulNmx opprK.
by rewrite mulmxDl mulNmx opprD opprK.
Qed.

(* Loss bookkeeping of ICL-30: residuals at W0 against the new slots are the *)
(* residuals at W0 + dW against the data.                                    *)
Lemma residual_bookkeeping W0 dW X Y :
  W0 *m X - (Y - dW *m X) = (W0 + dW) *m X - Y.
Proof. by rewrite mulmxDl opprB addrA. Qed.

(* ICL-31. K layers with the same W0 = K gradient steps on the original data.*)
Fixpoint gd_layers t (eta : nat -> R) W0 K (E : 'M[R]_(d + m, N + Q)) :=
  if K is k.+1 then gd_layer t (eta k) W0 (gd_layers t eta W0 k E) else E.

Theorem layers_are_steps t (eta : nat -> R) W0 X Xq Y K :
  gd_layers t eta W0 K (prompt X Xq Y (- (W0 *m Xq))) =
  prompt X Xq (Y - (descent t X Y eta W0 K - W0) *m X)
              (- (descent t X Y eta W0 K *m Xq)).
Proof.
elim: K => [|K IH] /=; first by rewrite subrr mul0mx subr0.
rewrite IH gd_layerE; set W := descent _ _ _ _ _ _.
have -> : gradient t X (Y - (W - W0) *m X) W0 = gradient t X Y W.
  by rewrite /gradient residual_bookkeeping [W0 + _]addrC subrK.
congr prompt.
  by rewrite [W - _ - W0]addrAC [in RHS]mulmxBl opprB addrA addrAC.
by rewrite mulmxBl opprB addrC.
Qed.

(* --- form (1) with the mask ---------------------------------------------- *)

Definition mask : 'M[R]_(N + Q) := block_mx 1%:M 0 0 0.

Definition masked_layer t p (P Q' : 'M[R]_p) (Z : 'M[R]_(p, N + Q)) :=
  Z + t *: (P *m Z *m mask *m Z^T *m Q' *m Z).

Definition gd_P : 'M[R]_(d + m) := block_mx 0 0 0 1%:M.
Definition gd_Q eta : 'M[R]_(d + m) := block_mx (- eta)%:M 0 0 0.

Lemma masked_layerE t eta X Xq Y Yq :
  masked_layer t gd_P (gd_Q eta) (prompt X Xq Y Yq) =
  prompt X Xq (Y - eta *: (t *: (Y *m X^T)) *m X)
              (Yq - eta *: (t *: (Y *m X^T)) *m Xq).
Proof.
rewrite /masked_layer /prompt /gd_P /gd_Q /mask.
rewrite tr_block_mx !mulmx_block !(mul0mx, mulmx0, add0r, addr0, mulmx1, mul1mx).
rewrite scale_block_mx !scaler0 add_block_mx !addr0.
by rewrite -!mulmxA !mul_scalar_mx -!scalemxAr !mulmxA !scaleNr !scalerN
  -!scalemxAl ?mulNmx !scalerA [t * eta]mulrC.
Qed.

Fixpoint masked_layers t (eta : nat -> R) K (Z : 'M[R]_(d + m, N + Q)) :=
  if K is k.+1 then masked_layer t gd_P (gd_Q (eta k)) (masked_layers t eta k Z)
  else Z.

(* ICL-31, second half: from W = 0, the context slots hold the residuals and *)
(* minus the query slot is the prediction W_K x_q.                           *)
Theorem masked_layers_are_steps t (eta : nat -> R) X Xq Y K :
  masked_layers t eta K (prompt X Xq Y 0) =
  prompt X Xq (Y - descent t X Y eta 0 K *m X)
              (- (descent t X Y eta 0 K *m Xq)).
Proof.
elim: K => [|K IH] /=; first by rewrite !mul0mx subr0 oppr0.
rewrite IH masked_layerE; set W := descent _ _ _ _ _ _.
have -> : t *: ((Y - W *m X) *m X^T) = - gradient t X Y W.
  by rewrite /gradient -[Y - _]opprB mulNmx scalerN.
rewrite scalerN !mulNmx !opprK; congr prompt; rewrite mulmxBl opprB.
  by rewrite addrA addrAC.
by rewrite addrC.
Qed.

End Attention.

(* --- ICL-32: no mask ------------------------------------------------------ *)

Section NoMask.

Variables (R : comRingType) (d m N Q : nat).
Implicit Types (X : 'M[R]_(d, N)) (Xq : 'M[R]_(d, Q)) (Y : 'M[R]_(m, N)).

Definition unmasked_layer t p (P Q' : 'M[R]_p) (Z : 'M[R]_(p, N + Q)) :=
  Z + t *: (P *m Z *m Z^T *m Q' *m Z).

Fixpoint unmasked_layers t (eta : nat -> R) K (Z : 'M[R]_(d + m, N + Q)) :=
  if K is k.+1 then
    unmasked_layer t (gd_P R d m) (gd_Q d m (eta k)) (unmasked_layers t eta k Z)
  else Z.

(* The same layer without the mask runs descent on the data to which the     *)
(* queries are added as examples with label 0 (still scaled by t = 1/N).     *)
Theorem unmasked_queries_are_zero_labels t (eta : nat -> R) X Xq Y K :
  let XX := row_mx X Xq in let YY := row_mx Y 0 in
  unmasked_layers t eta K (prompt X Xq Y 0) =
  prompt X Xq (Y - descent t XX YY eta 0 K *m X)
              (- (descent t XX YY eta 0 K *m Xq)).
Proof.
move=> XX YY.
have stackE (A : 'M[R]_(m, N)) (B : 'M[R]_(m, Q)) :
    prompt X Xq A B = col_mx XX (row_mx A B) by rewrite /prompt block_mxEv.
suff -> : unmasked_layers t eta K (prompt X Xq Y 0) =
          col_mx XX (YY - descent t XX YY eta 0 K *m XX).
  by rewrite stackE /XX /YY mul_mx_row opp_row_mx add_row_mx sub0r.
elim: K => [|K /= ->] /=; first by rewrite mul0mx subr0 stackE.
set W := descent _ _ _ _ _ _.
rewrite /unmasked_layer /gd_P /gd_Q !mul_block_col.
rewrite !(mul0mx, mul1mx, add0r, addr0) tr_col_mx.
rewrite mul_col_row !mul0mx mulmx_block !(mul0mx, mulmx0, add0r, addr0).
rewrite mul_block_col !(mul0mx, add0r, addr0).
rewrite scale_col_mx scaler0 add_col_mx addr0; congr col_mx.
rewrite [in RHS]mulmxBl opprB addrA addrAC; congr (_ + _).
rewrite mul_mx_scalar -scalemxAl scalerA /gradient -!scalemxAl scalerA.
by rewrite -[W *m XX - YY]opprB !mulNmx scalerN mulrN scaleNr mulrC.
Qed.

End NoMask.
