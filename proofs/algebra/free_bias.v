(* Claim NC-02 (b): a free bias. For fixed logits Z the best bias is         *)
(* (Y - Z) 1/N and leaves |(Z - Y)(I - J/N)|^2; at every global minimiser of *)
(* the network Z 1 = 0, so that the bias is Y 1/N, the class frequencies.    *)
(*                                                                           *)
(* Setting of collapse_minimum: d 0 samples (N of the claim), any depth, any *)
(* widths, any labels Y; N > 0 the normalisation of the data term.           *)

From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp Require Import ring.
From SolvableAlgebra Require Import psd balancedness simplex_etf two_groups.
From SolvableAlgebra Require Import factorisation_bound least_regularisation.
From SolvableAlgebra Require Import collapse_minimum collapse_geometry.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Lemma normF_eq0 (R : realFieldType) m n (X : 'M[R]_(m, n)) : normF X <= 0 -> X = 0.
Proof.
move=> le0; have := @trace_eq0 _ _ _ 1%:M X 1%:M (psd1 _ _) (psd1 _ _).
rewrite !mulmx1 !mul1mx; apply.
by apply/eqP; rewrite eq_le -/(normF X) le0 normF_ge0.
Qed.

Section FreeBias.

Variables (R : rcfType) (d : nat -> nat) (M : nat) (lam : nat -> R) (N : R).
Local Notation L := M.+1.
Hypothesis N_gt0 : 0 < N.
Hypothesis lam_gt0 : forall i, (i < L)%N -> 0 < lam i.
Hypothesis d0_gt0 : (0 < d 0)%N.
Variable Y : 'M[R]_(d L, d 0).
Implicit Types (W : forall m, 'M[R]_(d m.+1, d m)) (b : 'cV[R]_(d L)).

Local Notation one := (ones R (d 0)).
Local Notation center := (centering R (d 0)).

Let n_gt0 : 0 < (d 0)%:R :> R. Proof. by rewrite ltr0n. Qed.

Lemma center_ones : center *m one = 0.
Proof.
apply: trmx_inj; rewrite trmx_mul centering_sym trmx0.
exact: ones_center.
Qed.

(* For fixed logits. *)
Theorem best_bias_for_logits (Z : 'M[R]_(d L, d 0)) b :
  normF (Z + b *m one^T - Y) = normF ((Z - Y) *m center)
    + (d 0)%:R * normF (b - (d 0)%:R^-1 *: ((Y - Z) *m one)).
Proof.
set v := b - _; have -> : Z + b *m one^T - Y = (Z - Y) *m center + v *m one^T.
  have -> : Z + b *m one^T - Y = Z - Y + b *m one^T by rewrite addrAC.
  rewrite /v -[Y - Z]opprB; move: (Z - Y) => E.
  rewrite mulNmx scalerN opprK [(b + _) *m _]mulmxDl -scalemxAl.
  rewrite /centering -ones_outer mulmxBr mulmx1 -scalemxAr mulmxA.
  by rewrite [RHS]addrCA subrK addrC.
have cross : (Z - Y) *m center *m (v *m one^T)^T = 0.
  by rewrite trmx_mul trmxK mulmxA -(mulmxA (Z - Y)) center_ones mulmx0 mul0mx.
have vv : normF (v *m one^T) = (d 0)%:R * normF v.
  rewrite /normF trmx_mul trmxK mulmxA -(mulmxA v) ones_inner mul_mx_scalar.
  by rewrite -scalemxAl mxtraceZ.
rewrite -vv; move: ((Z - Y) *m center) (v *m one^T) cross => A B cross.
rewrite /normF [(A + B)^T]raddfD /= mulmxDl !mulmxDr !mxtraceD cross.
have -> : \tr (B *m A^T) = \tr (A *m B^T).
  by rewrite -mxtrace_tr trmx_mul trmxK.
by rewrite cross !mxtrace0 addr0 add0r.
Qed.

(* NC-02 (b). *)
Theorem free_bias_minimiser W b :
  (forall W' b', loss_bias lam N Y W b <= loss_bias lam N Y W' b') ->
  below W L *m one = 0 /\ b = best_bias Y.
Proof.
move=> opt; have := opt (centred W) (best_bias Y).
rewrite best_biasE /loss_bias /loss below_centred -mulmxBl best_bias_for_logits.
set v := b - _; set E := normF ((below W L - Y) *m center).
have l0 : 0 < lam 0%N by apply: lam_gt0.
pose rest := \sum_(i < M) lam i.+1 * normF (W i.+1).
have -> : regularisation W lam L = lam 0%N * normF (W 0%N) + rest.
  by rewrite /regularisation big_ord_recl.
have -> : regularisation (centred W) lam L =
    lam 0%N * normF (W 0%N *m center) + rest.
  by rewrite /regularisation big_ord_recl.
have pyth : normF (W 0%N) =
    normF (W 0%N *m center) + normF (W 0%N - W 0%N *m center).
  have s := centering_sym R (d 0); have i := centering_idem R d0_gt0.
  move: (centering R (d 0)) s i => C s i; move: (W 0%N) => A.
  rewrite /normF [(A - _)^T]raddfB /= !trmx_mul s mulmxBl !mulmxBr !mulmxA.
  by rewrite -(mulmxA A C C) i subrr subr0 raddfB /= addrC subrK.
rewrite pyth; set G := normF (W 0%N *m center); set D := normF (W 0%N - _).
have D0 : 0 <= D by apply: normF_ge0.
have v0 : 0 <= normF v by apply: normF_ge0.
rewrite -subr_le0.
have -> : (E + (d 0)%:R * normF v) / (2%:R * N)
    + (lam 0%N * (G + D) + rest) / 2%:R
    - (E / (2%:R * N) + (lam 0%N * G + rest) / 2%:R) =
    (d 0)%:R / (2%:R * N) * normF v + lam 0%N / 2%:R * D.
  by field; rewrite gt_eqF.
have p1 : 0 < (d 0)%:R / (2%:R * N) by rewrite divr_gt0 ?mulr_gt0 ?ltr0n.
have p2 : 0 < lam 0%N / 2%:R by rewrite divr_gt0 ?ltr0n.
move=> le0; have Dz : D <= 0.
  rewrite -(pmulr_rle0 _ p2); apply: le_trans le0.
  by rewrite ler_addr mulr_ge0 // ltW.
have vz : normF v <= 0.
  rewrite -(pmulr_rle0 _ p1); apply: le_trans le0.
  by rewrite ler_addl mulr_ge0 // ltW.
have WC : W 0%N = W 0%N *m center.
  by apply/eqP; rewrite -subr_eq0; apply/eqP/normF_eq0.
have Z1 : below W L *m one = 0.
  by rewrite below_top WC -!mulmxA center_ones !mulmx0.
split=> //; have /eqP := normF_eq0 vz; rewrite /v mulmxBl Z1 subr0 subr_eq0.
by move/eqP.
Qed.

End FreeBias.

(* The class frequencies: for one-hot labels the bias is n_k/N. *)
Theorem frequencies (R : rcfType) K n (y : 'I_n -> 'I_K) :
  n%:R^-1 *: (onehot R y *m ones R n) = n%:R^-1 *: (class_size R y)^T.
Proof.
congr (_ *: _); apply/matrixP=> k j; rewrite !ord1 [LHS]mxE.
rewrite [RHS]mxE [RHS]mxE -sum1dep_card natr_sum [RHS]big_mkcond.
by apply: eq_bigr => i _; rewrite !mxE mulr1; case: eqP.
Qed.

(* The hypotheses can be met: one sample of one class, all widths 1; zero    *)
(* weights and the bias 1 have loss 0.                                       *)
Example free_bias_instance (R : rcfType) :
  let d := fun _ : nat => 1%N in
  let W := fun m : nat => (0 : 'M[R]_1) in
  forall W' b', @loss_bias R d 1 (fun=> 1) 1 1%:M W 1%:M
             <= @loss_bias R d 1 (fun=> 1) 1 1%:M W' b'.
Proof.
move=> d W W' b'; apply: (@le_trans _ _ 0).
  rewrite /loss_bias /regularisation big1 => [|i _]; last first.
    by rewrite /normF mul0mx mxtrace0 mulr0.
  rewrite /= mul0mx add0r (_ : 1%:M *m _ - 1%:M = 0); last first.
    by apply: mx11E; rewrite mul1mx !mxE eqxx subrr.
  by rewrite /normF mul0mx mxtrace0 !mul0r addr0.
rewrite addr_ge0 // divr_ge0 ?mulr_ge0 ?ler0n ?ler01 ?normF_ge0 //.
by apply: sumr_ge0 => i _; rewrite mul1r normF_ge0.
Qed.
