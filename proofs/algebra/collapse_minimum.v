(* Claims NC-04, NC-02 (a): the global minimum of the squared loss of a      *)
(* deep linear network with free features is a sum of scalar minima, one a   *)
(* mode, for any widths, depths, regularisations and class sizes, without    *)
(* and with a free bias.                                                     *)
(*                                                                           *)
(* L = M + 1 factors W 0 (features), W 1, ..., W M as in balancedness, any   *)
(* widths d m; N = d 0 samples in the claim; targets T = P diag(t) Q^T, t > 0*)
(* decreasing; Lambda = prod lam; c^M = N Lambda. The modes are in           *)
(* collapse_modes.                                                           *)
(*                                                                           *)
(*  loss lam N W T == |W_M ... W_0 - T|^2/(2N) + 1/2 sum lam_i |W_i|^2       *)
(*  loss_bias lam N Y W b == the same with W_M ... W_0 + b 1^T - Y           *)
(*  room d m       == the least of the widths d 0, ..., d m; room d L is R   *)
(*  minimum d M N c t x == sum over j < R of mode(t_j, x_j) plus the sum of  *)
(*                    t_j^2/(2N) over the other j                            *)
(*  root_size R y  == square roots of the class sizes of the labels y        *)

From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp Require Import ring.
From SolvableAlgebra Require Import psd balancedness simplex_etf two_groups.
From SolvableAlgebra Require Import factorisation_bound svd.
From SolvableAlgebra Require Import least_regularisation trace_inequality.
From SolvableAlgebra Require Import collapse_modes.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

(* --- the network ----------------------------------------------------------- *)

Section Minimum.

Variables (R : rcfType) (d : nat -> nat) (M : nat) (lam : nat -> R) (N c : R).
Local Notation L := M.+1.
Hypotheses (M_gt0 : (0 < M)%N) (N_gt0 : 0 < N).
Hypothesis lam_gt0 : forall i, (i < L)%N -> 0 < lam i.
Local Notation Lam := (\prod_(i < L) lam i).
Hypotheses (c_gt0 : 0 < c) (cM : c ^+ M = N * Lam).
Implicit Types (W : forall m, 'M[R]_(d m.+1, d m)).

Definition loss W (T : 'M[R]_(d L, d 0)) :=
  normF (below W L - T) / (2%:R * N) + regularisation W lam L / 2%:R.

Fixpoint room m := if m is m'.+1 then minn (room m') (d m) else d 0.

Lemma leq_room r m :
  (r <= room m)%N <-> forall i, (i <= m)%N -> (r <= d i)%N.
Proof.
elim: m => [|m IH] /=.
  by split=> [r0 [|i] //|]; apply.
rewrite leq_min; split=> [/andP[/IH le rm] i|le].
  by rewrite leq_eqVlt => /orP[/eqP->|/le].
by rewrite le // andbT; apply/IH => i im; rewrite le // ltnW.
Qed.

Lemma Lam_gt0 : 0 < Lam.
Proof. by apply: prodr_gt0 => i _; apply: lam_gt0. Qed.

Variables (l : nat) (T : 'M[R]_(d L, d 0)).
Variables (P : 'M[R]_(d L, l)) (t : 'rV[R]_l) (Q : 'M[R]_(d 0, l)).
Hypotheses (Tsvd : svd T P t Q) (t_dec : decreasing t).

Local Notation mode := (mode M N c).
Local Notation fit := (fit M).
Local Notation cost := (cost M N).
Let t_gt0 j : 0 < t 0 j. Proof. by case: Tsvd. Qed.
Let N2_gt0 : 0 < 2%:R * N. Proof. by rewrite mulr_gt0 ?ltr0n. Qed.

(* The loss at any parameters is at least the sum over the modes of some     *)
(* scalar costs, zero in the modes for which there is no room.               *)
Theorem loss_above_modes W : exists x : 'I_l -> R,
  [/\ forall j, 0 <= x j, forall j : 'I_l, (room L <= j)%N -> x j = 0 &
      \sum_j mode (t 0 j) (x j) <= loss W T].
Proof.
have L_gt0 : (0 < L)%N by [].
have [k [U [s [V [q [Xsvd s_dec kE qE]]]]]] :=
  spectrum_exists (below W L) L_gt0 lam_gt0.
have [reg _] := factorisation_minimum L_gt0 lam_gt0 Xsvd qE.
have data := mirsky Xsvd s_dec Tsvd t_dec (leq_addr l k) (leq_addl k l).
have [_ _ _ s_gt0] := Xsvd.
have k_room : (k <= room L)%N.
  rewrite kE; apply/leq_room => i; rewrite leq_eqVlt => /orP[/eqP->|iL].
    exact: rank_leq_row.
  case: i iL => [|i] iL; first exact: rank_leq_col.
  have [widths _] := @training_is_spectral _ d lam L L_gt0 lam_gt0.
  by have [fit _] := widths W; apply: fit; rewrite iL.
have q0 i : 0 <= at0 q i by apply: at0_ge0 => j; case: (qE j).
have s0 i : 0 <= at0 s i by apply: at0_ge0 => j; apply: ltW.
have qs i : at0 q i ^+ L = Lam * at0 s i ^+ 2.
  have [ki|ik] := leqP k i; first by rewrite !at0_out // !expr0n mulr0.
  by rewrite -[i]/(nat_of_ord (Ordinal ik)) !at0_ord; case: (qE (Ordinal ik)).
have ex (j : 'I_l) : exists x, [/\ 0 <= x,
    mode (t 0 j) x <= cost (t 0 j) (at0 s j) (at0 q j) & at0 s j = 0 -> x = 0].
  have [x [x0 le z _]] := mode_le_cost M_gt0 N_gt0 Lam_gt0 c_gt0 cM (t_gt0 j)
    (s0 j) (q0 j) (qs j).
  by exists x.
have [x xP] := fin_all_exists ex; exists x; split=> [j|j room_j|].
- by case: (xP j).
- by have [_ _] := xP j; apply; rewrite at0_out // (leq_trans k_room).
apply: (@le_trans _ _ (\sum_(j < l) cost (t 0 j) (at0 s j) (at0 q j))).
  by apply: ler_sum => j _; case: (xP j).
rewrite /cost big_split /= -mulr_suml -mulr_sumr; apply: ler_add.
  rewrite ler_pmul2r ?invr_gt0 //; apply: le_trans data.
  rewrite (eq_bigr (fun j : 'I_l => (at0 s j - at0 t j) ^+ 2)) => [|j _].
    by apply: (sum_sub (F := fun j => (at0 s j - at0 t j) ^+ 2)) => [|j];
      rewrite ?leq_addl ?sqr_ge0.
  by rewrite at0_ord.
rewrite mulrAC ler_pmul2r ?invr_gt0 ?ltr0n //; apply: le_trans (reg W _) => //.
rewrite ler_pmul2l ?ltr0n // -(at0_sum q (F := fun _ y => y) (leq_addr l k)) //.
exact: (sum_sub (F := at0 q) (leq_addl k l)).
Qed.

(* Every choice of scalars is met by parameters.                             *)
Theorem modes_above_loss (x : 'I_l -> R) :
  (forall j, 0 <= x j) -> (forall j : 'I_l, (room L <= j)%N -> x j = 0) ->
  exists W, loss W T <= \sum_j mode (t 0 j) (x j) /\
    below W L = P *m diag_mx (\row_j fit (t 0 j) (x j)) *m Q^T.
Proof.
move=> x0 x_room; have [TE PP QQ _] := Tsvd.
pose r := minn l (room L); have rl : (r <= l)%N by apply: geq_minl.
pose f := widen_ord rl; pose s := \row_j fit (t 0 j) (x j).
have s_ge0 j : 0 <= s 0 j.
  rewrite mxE /fit mulr_ge0 ?(ltW (t_gt0 _)) // divr_ge0 ?exprn_ge0 //.
  by rewrite addr_ge0 ?ler01 ?exprn_ge0.
have s_out (j : 'I_l) : (r <= j)%N -> s 0 j = 0.
  by rewrite geq_min leqNgt ltn_ord /= mxE => /x_room->; rewrite fit0.
have ex (j : 'I_l) : exists2 q, 0 <= q & q ^+ L = Lam * s 0 j ^+ 2.
  by apply: root_exists => //; rewrite mulr_ge0 ?sqr_ge0 // ltW ?Lam_gt0.
have [q q0 qE] := fin_all_exists2 ex.
have orth m (A : 'M[R]_(m, l)) : A^T *m A = 1%:M ->
    (colsub f A)^T *m colsub f A = 1%:M.
  move=> AA; apply/matrixP=> i j; have /matrixP/(_ (f i) (f j)) := AA.
  by rewrite !mxE => <-; apply: eq_bigr => h _; rewrite !mxE.
have sub (F : 'I_l -> R) : (forall j : 'I_l, (r <= j)%N -> F j = 0) ->
    \sum_(i < r) F (f i) = \sum_j F j.
  move=> F0; rewrite -(big_ord_narrow rl) big_mkcond /=.
  by apply: eq_bigr => j _; case: ltnP => // /F0.
have q_out (j : 'I_l) : (r <= j)%N -> q j = 0.
  move=> /s_out z; have /eqP := qE j; rewrite z expr0n mulr0.
  by rewrite expf_eq0 => /eqP.
have wide : fits d L r.
  move=> m /andP[_ mL]; have /leq_room := geq_minr l (room L).
  by apply; apply: ltnW.
have qE' : energies lam L (colsub f s) (\row_i q (f i)).
  by move=> i; rewrite !mxE; have := qE (f i); rewrite mxE.
have s_ge0' i : 0 <= (colsub f s) 0 i by rewrite mxE.
have [W [E [WX reg _ _ _]]] :=
  balanced_factors (ltn0Sn M) lam_gt0 (orth _ _ PP) (orth _ _ QQ) s_ge0' qE' wide.
have {}WX : below W L = P *m diag_mx s *m Q^T.
  rewrite WX; apply/matrixP=> a b; rewrite !mul_mx_diag [LHS]mxE [RHS]mxE.
  rewrite -(sub (fun j => (\matrix_(i, j) (P i j * s 0 j)) a j * Q^T j b)).
    by apply: eq_bigr => i _; rewrite !mxE.
  by move=> j /s_out z; rewrite mxE z mulr0 mul0r.
exists W; split=> //; rewrite /loss reg WX TE.
rewrite -mulmxBl -mulmxBr -raddfB normF_frames // mulr_suml.
have -> : \sum_i (\row_i q (f i)) 0 i = \sum_j q j.
  by rewrite -(sub q q_out); apply: eq_bigr => i _; rewrite mxE.
rewrite mulrAC mulr_sumr -big_split; apply: ler_sum => j _ /=.
have := cost_le_mode M_gt0 N_gt0 c_gt0 cM (t_gt0 j) (x0 j) (q0 j).
by have := qE j; rewrite /cost !mxE => qEj; apply.
Qed.

Definition minimum (x : 'I_l -> R) :=
  \sum_(j < l | (j < room L)%N) mode (t 0 j) (x j)
  + \sum_(j < l | (room L <= j)%N) t 0 j ^+ 2 / (2%:R * N).

(* NC-04. x j minimises g for the targets that have room.                    *)
Theorem global_minimum (x : 'I_l -> R) :
  (forall j : 'I_l, (j < room L)%N -> minimises M (beta M N c (t 0 j)) (x j)) ->
  (forall W, minimum x <= loss W T) /\
  exists W, loss W T = minimum x /\
    below W L = P *m diag_mx (\row_j if (j < room L)%N
                                     then fit (t 0 j) (x j) else 0) *m Q^T.
Proof.
move=> xmin; pose x' (j : 'I_l) := if (j < room L)%N then x j else 0.
have minE : minimum x = \sum_j mode (t 0 j) (x' j).
  rewrite [RHS](bigID (fun j : 'I_l => (j < room L)%N)) /=; congr (_ + _).
    by apply: eq_bigr => j jr; rewrite /x' jr.
  apply: eq_big => [j|j jr]; first by rewrite -leqNgt.
  by rewrite /x' ltnNge jr mode0 // gt_eqF.
have least W : minimum x <= loss W T.
  have [y [y0 y_room le]] := loss_above_modes W; apply: le_trans le.
  rewrite minE; apply: ler_sum => j _; rewrite /x'; case: ltnP => jr.
    rewrite /collapse_modes.mode ler_pmul2l ?divr_gt0 ?exprn_gt0 //.
    by have [_ xm] := xmin j jr; apply: xm.
  by rewrite y_room.
split=> //; have [||W [le WX]] := @modes_above_loss x'.
- by move=> j; rewrite /x'; case: ltnP => // jr; case: (xmin j jr).
- by move=> j jr; rewrite /x' ltnNge jr.
exists W; split; first by apply/eqP; rewrite eq_le least minE le.
rewrite WX; congr (_ *m diag_mx _ *m _); apply/rowP=> j; rewrite !mxE /x'.
by case: ltnP => // jr; rewrite fit0.
Qed.

End Minimum.

(* --- a free bias ----------------------------------------------------------- *)

Section Bias.

Variables (R : rcfType) (d : nat -> nat) (M : nat) (lam : nat -> R) (N : R).
Local Notation L := M.+1.
Hypothesis N_gt0 : 0 < N.
Hypothesis lam_gt0 : forall i, (i < L)%N -> 0 < lam i.
Hypothesis d0_gt0 : (0 < d 0)%N.
Variable Y : 'M[R]_(d L, d 0).
Implicit Types (W : forall m, 'M[R]_(d m.+1, d m)) (b : 'cV[R]_(d L)).

Local Notation center := (centering R (d 0)).
Local Notation loss := (loss lam N).

Definition loss_bias W b :=
  normF (below W L + b *m (ones R (d 0))^T - Y) / (2%:R * N)
  + regularisation W lam L / 2%:R.

Lemma normF_center m (A : 'M[R]_(m, d 0)) : normF (A *m center) <= normF A.
Proof.
rewrite -subr_ge0; have := normF_ge0 (A - A *m center); rewrite /normF.
have s := centering_sym R (d 0); have i := centering_idem R d0_gt0.
move: (centering R (d 0)) s i => C s i.
rewrite [(A - _)^T]raddfB /= !trmx_mul s mulmxBl !mulmxBr !mulmxA.
by rewrite -(mulmxA A C C) i subrr subr0 raddfB.
Qed.

Lemma ones_center : (ones R (d 0))^T *m center = 0.
Proof.
rewrite /centering -ones_outer mulmxBr mulmx1 -scalemxAr mulmxA ones_inner.
rewrite mul_scalar_mx scalerA mulVf ?scale1r ?subrr //.
by rewrite pnatr_eq0 -lt0n.
Qed.

(* Centred features lose nothing. *)
Definition centred W m : 'M[R]_(d m.+1, d m) :=
  match m with 0 => W 0%N *m center | m'.+1 => W m'.+1 end.

Lemma below_centred W m : below (centred W) m.+1 = below W m.+1 *m center.
Proof.
elim: m => [|m IH]; first by rewrite /= !mulmx1.
by rewrite [LHS]/= -/(below (centred W) m.+1) IH mulmxA.
Qed.

Lemma centred_below_bias W b : loss (centred W) (Y *m center) <= loss_bias W b.
Proof.
apply: ler_add; rewrite ler_pmul2r ?invr_gt0 ?mulr_gt0 ?ltr0n //.
  rewrite below_centred; apply: le_trans (normF_center _).
  by rewrite mulmxBl mulmxDl -mulmxA ones_center mulmx0 addr0 -mulmxBl.
rewrite /regularisation !big_ord_recl; apply: ler_add.
  by rewrite ler_pmul2l ?lam_gt0 // normF_center.
by apply: ler_sum => i _.
Qed.

Definition best_bias : 'cV[R]_(d L) := (d 0)%:R^-1 *: (Y *m ones R (d 0)).

Lemma best_biasE W : loss_bias W best_bias = loss W (Y *m center).
Proof.
rewrite /loss_bias /loss; congr (normF _ / _ + _).
rewrite /best_bias -scalemxAl -mulmxA ones_outer /centering mulmxBr mulmx1.
by rewrite -scalemxAr opprB addrA addrC addrA [- Y + _]addrC addrAC.
Qed.

Variables (c : R).
Hypotheses (M_gt0 : (0 < M)%N) (c_gt0 : 0 < c).
Hypothesis cM : c ^+ M = N * \prod_(i < L) lam i.
Variables (l : nat) (P : 'M[R]_(d L, l)) (t : 'rV[R]_l) (Q : 'M[R]_(d 0, l)).
Hypotheses (Tsvd : svd (Y *m center) P t Q) (t_dec : decreasing t).

(* NC-04 with a free bias: the targets are those of Y (I - J/N). *)
Theorem global_minimum_bias (x : 'I_l -> R) :
  (forall j : 'I_l, (j < room d L)%N -> minimises M (beta M N c (t 0 j)) (x j)) ->
  (forall W b, minimum d M N c t x <= loss_bias W b) /\
  exists W, loss_bias W best_bias = minimum d M N c t x /\
    below W L = P *m diag_mx (\row_j if (j < room d L)%N
                                     then fit M (t 0 j) (x j) else 0) *m Q^T.
Proof.
move=> xmin.
have [least [W [e WX]]] :=
  global_minimum M_gt0 N_gt0 lam_gt0 c_gt0 cM Tsvd t_dec xmin.
split=> [W' b|]; first exact: le_trans (least _) (centred_below_bias W' b).
by exists W; rewrite best_biasE.
Qed.

End Bias.

(* NC-04, closed form for M = 1: lam_0 lam_1 = u^2, any targets, any widths. *)
Section OneLayerMinimum.

Variables (R : rcfType) (d : nat -> nat) (lam : nat -> R) (N u : R).
Hypotheses (N_gt0 : 0 < N) (u_gt0 : 0 < u).
Hypothesis lam_gt0 : forall i, (i < 2)%N -> 0 < lam i.
Hypothesis lamE : lam 0%N * lam 1%N = u ^+ 2.

Lemma one_layer_scale : (N * u ^+ 2) ^+ 1 = N * \prod_(i < 2) lam i.
Proof. by rewrite expr1 !big_ord_recl big_ord0 mulr1 /= lamE. Qed.

Definition one_layer_minimum l (t : 'rV[R]_l) :=
  \sum_(j < l | (j < room d 2)%N) one_layer_cost N u (t 0 j)
  + \sum_(j < l | (room d 2 <= j)%N) t 0 j ^+ 2 / (2%:R * N).

Theorem global_minimum_one_layer l (T : 'M[R]_(d 2, d 0))
    (P : 'M[R]_(d 2, l)) t (Q : 'M[R]_(d 0, l)) :
  svd T P t Q -> decreasing t ->
  (forall W, one_layer_minimum t <= loss lam N W T) /\
  exists W, loss lam N W T = one_layer_minimum t.
Proof.
move=> Tsvd t_dec; have [_ _ _ t_gt0] := Tsvd.
have c_gt0 : 0 < N * u ^+ 2 by rewrite mulr_gt0 ?exprn_gt0.
have -> : one_layer_minimum t =
    minimum d 1 N (N * u ^+ 2) t (fun j => one_layer_point N u (t 0 j)).
  congr (_ + _); apply: eq_bigr => j _.
  by rewrite one_layer_value.
have [|least [W [e _]]] := global_minimum (isT : (0 < 1)%N) N_gt0 lam_gt0 c_gt0
  one_layer_scale Tsvd t_dec (x := fun j => one_layer_point N u (t 0 j)).
  by move=> j _; apply: one_layer_optimal.
by split=> //; exists W.
Qed.

End OneLayerMinimum.

(* --- classes --------------------------------------------------------------- *)

(* NC-02 (a): the targets without a bias are the square roots of the class   *)
(* sizes; classes are listed by decreasing size.                             *)
Section Classes.

Variables (R : rcfType) (K n : nat) (y : 'I_n -> 'I_K).
Local Notation size := (class_size R y).
Hypothesis inhabited : forall k, 0 < size 0 k.

Definition root_size : 'rV[R]_K := \row_k Num.sqrt (size 0 k).
Definition indicators : 'M[R]_(n, K) :=
  \matrix_(i, k) ((y i == k)%:R / root_size 0 k).

Theorem targets_without_bias :
  svd (onehot R y) 1%:M root_size indicators.
Proof.
have r_gt0 k : 0 < root_size 0 k by rewrite mxE sqrtr_gt0.
have rr k : root_size 0 k ^+ 2 = size 0 k by rewrite mxE sqr_sqrtr ?ltW.
have indE i k : indicators i k = (y i == k)%:R / root_size 0 k by rewrite mxE.
split=> //.
- apply/matrixP=> k i; rewrite mul1mx mul_diag_mx [LHS]mxE [RHS]mxE.
  rewrite [indicators^T _ _]mxE indE mulrCA divff ?mulr1 //.
  by rewrite (gt_eqF (r_gt0 k)).
- by rewrite trmx1 mulmx1.
apply/matrixP=> k l; rewrite [LHS]mxE [RHS]mxE.
have [<-|kl] := eqVneq k l; last first.
  rewrite big1 // => i _; rewrite [indicators^T _ _]mxE !indE.
  by case: eqP => [->|_]; rewrite ?(negbTE kl) ?mul0r ?mulr0.
have total : \sum_i (y i == k)%:R = size 0 k.
  by rewrite [RHS]mxE -natr_sum -sum1dep_card [in RHS]big_mkcond.
rewrite (eq_bigr (fun i => (y i == k)%:R * (size 0 k)^-1)) => [|i _].
  by rewrite -mulr_suml total divff // gt_eqF.
rewrite [indicators^T _ _]mxE !indE -rr; case: eqP => _; last by rewrite !mul0r.
by rewrite !mul1r expr2 invfM.
Qed.

Lemma root_size_dec : decreasing size -> decreasing root_size.
Proof.
by move=> dec i j ij; rewrite [leLHS]mxE [leRHS]mxE ler_sqrt ?dec.
Qed.

End Classes.

(* NC-04 without a bias, in the class sizes.                                 *)
Section BiasFree.

Variables (R : rcfType) (d : nat -> nat) (M : nat) (lam : nat -> R) (N c : R).
Local Notation L := M.+1.
Hypotheses (M_gt0 : (0 < M)%N) (N_gt0 : 0 < N).
Hypothesis lam_gt0 : forall i, (i < L)%N -> 0 < lam i.
Hypotheses (c_gt0 : 0 < c) (cM : c ^+ M = N * \prod_(i < L) lam i).
Variable y : 'I_(d 0) -> 'I_(d L).
Local Notation n := (class_size R y).
Hypothesis inhabited : forall k, 0 < n 0 k.
Hypothesis n_dec : decreasing n.

Theorem bias_free_minimum (x : 'I_(d L) -> R) :
  (forall k : 'I_(d L), (k < room d L)%N ->
     minimises M (M%:R * N * c / n 0 k) (x k)) ->
  let least :=
    \sum_(k < d L | (k < room d L)%N)
       n 0 k / (2%:R * N) * g M (M%:R * N * c / n 0 k) (x k)
    + \sum_(k < d L | (room d L <= k)%N) n 0 k / (2%:R * N) in
  (forall W, least <= loss lam N W (onehot R y)) /\
  exists W, loss lam N W (onehot R y) = least.
Proof.
have rr k : root_size R y 0 k ^+ 2 = n 0 k by rewrite mxE sqr_sqrtr ?ltW.
move=> xmin least; have Ysvd := targets_without_bias inhabited.
have -> : least = minimum d M N c (root_size R y) x.
  congr (_ + _); apply: eq_bigr => k _; last by rewrite rr.
  by rewrite /mode /beta rr.
have [|below [W [e _]]] := global_minimum M_gt0 N_gt0 lam_gt0
  c_gt0 cM Ysvd (root_size_dec inhabited n_dec) (x := x).
  by move=> k; rewrite /beta rr; apply: xmin.
by split=> //; exists W.
Qed.

End BiasFree.

(* Without a bias and for M = 1: the two kinds of classes.                   *)
Section BiasFreeOneLayer.

Variables (R : rcfType) (d : nat -> nat) (lam : nat -> R) (N u : R).
Hypotheses (N_gt0 : 0 < N) (u_gt0 : 0 < u).
Hypothesis lam_gt0 : forall i, (i < 2)%N -> 0 < lam i.
Hypothesis lamE : lam 0%N * lam 1%N = u ^+ 2.
Variable y : 'I_(d 0) -> 'I_(d 2).
Local Notation n := (class_size R y).
Hypothesis inhabited : forall k, 0 < n 0 k.
Hypothesis n_dec : decreasing n.
Hypothesis wide : (d 2 <= d 0)%N /\ (d 2 <= d 1)%N.

Theorem bias_free_one_layer :
  let least :=
    \sum_(k < d 2 | (N * u) ^+ 2 < n 0 k)
       (u * Num.sqrt (n 0 k) - N * u ^+ 2 / 2%:R)
    + \sum_(k < d 2 | n 0 k <= (N * u) ^+ 2) n 0 k / (2%:R * N) in
  (forall W, least <= loss lam N W (onehot R y)) /\
  exists W, loss lam N W (onehot R y) = least.
Proof.
have rr k : root_size R y 0 k ^+ 2 = n 0 k by rewrite mxE sqr_sqrtr ?ltW.
have r_gt0 k : 0 < root_size R y 0 k by rewrite mxE sqrtr_gt0.
have roomy (k : 'I_(d 2)) : (k < room d 2)%N.
  apply: (leq_trans (ltn_ord k)); apply/leq_room => -[|[|[|i]]] // _.
    by case: wide.
  by case: wide.
move=> least; have Ysvd := targets_without_bias inhabited.
have := global_minimum_one_layer N_gt0 u_gt0 lam_gt0 lamE Ysvd
  (root_size_dec inhabited n_dec).
suff -> : one_layer_minimum d N u (root_size R y) = least by [].
rewrite /one_layer_minimum [X in _ + X]big_pred0 => [|k]; last first.
  by rewrite leqNgt roomy.
rewrite addr0 (eq_bigl xpredT) => [|k]; last by rewrite roomy.
rewrite (bigID (fun k => (N * u) ^+ 2 < n 0 k)) /=; congr (_ + _).
  apply: eq_bigr => k; rewrite -{1}rr ltr_pexpn2r // ?nnegrE ?ltW ?mulr_gt0 //.
  by rewrite /one_layer_cost => ->; rewrite [root_size _ _ _ _]mxE.
apply: eq_big => [k|k]; first by rewrite -leNgt.
rewrite -{1}rr ltr_pexpn2r // ?nnegrE ?ltW ?mulr_gt0 // => /negbTE h.
by rewrite /one_layer_cost h rr.
Qed.

End BiasFreeOneLayer.

(* --- NC-04 in one statement ------------------------------------------------ *)

Theorem squared_loss_minimum (R : rcfType) (d : nat -> nat) M (lam : nat -> R) N
    (Y : 'M[R]_(d M.+1, d 0%N)) :
  (0 < M)%N -> 0 < N -> (forall i, (i < M.+1)%N -> 0 < lam i) -> (0 < d 0)%N ->
  exists c, [/\ 0 < c, c ^+ M = N * \prod_(i < M.+1) lam i,
    (* the scalar problems have minimisers, soft thresholds for M = 1 *)
    (forall tau : R, 0 < tau -> exists x, minimises M (beta M N c tau) x) /\
    (M = 1%N -> forall u tau, 0 < u -> 0 < tau -> lam 0%N * lam 1%N = u ^+ 2 ->
       minimises M (beta M N c tau) (one_layer_point N u tau) /\
       mode M N c tau (one_layer_point N u tau) = one_layer_cost N u tau),
    (* without a bias *)
    (exists l (P : 'M_(d M.+1, l)) t (Q : 'M_(d 0%N, l)),
       svd Y P t Q /\ decreasing t) /\
    (forall l (P : 'M_(d M.+1, l)) t (Q : 'M_(d 0%N, l)) x,
       svd Y P t Q -> decreasing t ->
       (forall j : 'I_l, (j < room d M.+1)%N ->
          minimises M (beta M N c (t 0 j)) (x j)) ->
       (forall W, minimum d M N c t x <= loss lam N W Y) /\
       exists W, loss lam N W Y = minimum d M N c t x)
    & (* with a free bias *)
    (exists l (P : 'M_(d M.+1, l)) t (Q : 'M_(d 0%N, l)),
       svd (Y *m centering R (d 0%N)) P t Q /\ decreasing t) /\
    (forall l (P : 'M_(d M.+1, l)) t (Q : 'M_(d 0%N, l)) x,
       svd (Y *m centering R (d 0%N)) P t Q -> decreasing t ->
       (forall j : 'I_l, (j < room d M.+1)%N ->
          minimises M (beta M N c (t 0 j)) (x j)) ->
       (forall W b, minimum d M N c t x <= loss_bias lam N Y W b) /\
       exists W b, loss_bias lam N Y W b = minimum d M N c t x)].
Proof.
move=> M_gt0 N_gt0 lam_gt0 d0_gt0.
have NL_gt0 : 0 < N * \prod_(i < M.+1) lam i by rewrite mulr_gt0 ?Lam_gt0.
have [c c_ge0 cM] := root_exists M_gt0 (ltW NL_gt0).
have c_gt0 : 0 < c.
  rewrite lt_neqAle c_ge0 andbT; apply: contraTneq NL_gt0 => c0.
  by rewrite -cM -c0 expr0n gtn_eqF // ltxx.
exists c; split=> //; split.
- move=> tau tau_gt0; apply: minimiser_exists => //.
  by rewrite divr_gt0 ?exprn_gt0 // !mulr_gt0 // ltr0n.
- move=> M1 u tau u_gt0 tau_gt0 uE; have cE : c = N * u ^+ 2.
    by move: cM; rewrite M1 expr1 => ->; rewrite !big_ord_recl big_ord0 mulr1 uE.
  rewrite M1 cE; split; first exact: one_layer_optimal.
  exact: one_layer_value.
- by have [l [P [t [Q H]]]] := svd_sorted Y; exists l, P, t, Q.
- move=> l P t Q x Ysvd t_dec xmin; have [le [W [e _]]] :=
    global_minimum M_gt0 N_gt0 lam_gt0 c_gt0 cM Ysvd t_dec xmin.
  by split=> //; exists W.
- have [l [P [t [Q H]]]] := svd_sorted (Y *m centering R (d 0%N)).
  by exists l, P, t, Q.
move=> l P t Q x Ysvd t_dec xmin; have [le [W [e _]]] :=
  global_minimum_bias N_gt0 lam_gt0 d0_gt0 M_gt0 c_gt0 cM Ysvd t_dec xmin.
by split=> //; exists W, (best_bias Y).
Qed.

(* The hypotheses can be met: two layers of width 2 and the target diag(8, 0)*)
(* without a bias, its centred version with a bias.                          *)
Example minimum_instance (R : rcfType) :
  let d := fun _ : nat => 2%N in
  let e : 'cV[R]_2 := delta_mx 0 0 in
  let T : 'M[R]_2 := 8%:R *: delta_mx 0 0 in
  [/\ forall i, (i < 2)%N -> 0 < (1 : R),
      2%:R ^+ 1 = 2%:R * \prod_(i < 2) (1 : R),
      svd T e (const_mx 8%:R) e /\ decreasing (const_mx 8%:R : 'rV[R]_1),
      exists x, minimises 1 (beta 1 2%:R 2%:R (8%:R : R)) x
    & exists l (P : 'M[R]_(2, l)) t (Q : 'M[R]_(2, l)),
        svd (T *m centering R 2) P t Q /\ decreasing t].
Proof.
split.
- by move=> i _; exact: ltr01.
- by rewrite expr1 big1 // mulr1.
- split; first by apply: svd_unit; rewrite ltr0n.
  by move=> i j _; rewrite !mxE.
- by apply: minimiser_exists; rewrite ?divr_gt0 ?exprn_gt0 ?mulr_gt0 ?ltr0n.
exact: svd_sorted.
Qed.

(* Two classes with one sample each. *)
Example classes_instance (R : rcfType) :
  let n := class_size R (fun k : 'I_2 => k) in
  (forall k, 0 < n 0 k) /\ decreasing n.
Proof.
move=> n; have nE k : n 0 k = 1.
  by rewrite mxE -sum1dep_card (big_pred1 k).
by split=> [k|i j _]; rewrite !nE ?ltr01.
Qed.
