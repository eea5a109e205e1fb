(* Claim ICL-6: the best multiple of the identity, and that it is the best   *)
(* matrix of all for isotropic inputs and tasks.                             *)
(*                                                                           *)
(* Over any real field, any law of prompts of expected_loss.                 *)
(*                                                                           *)
(*  scalar_slope Lam Psi == tr(Lam^2 Psi)                                    *)
(*  scalar_bend Lam Psi a b == a tr(Lam^3 Psi) + b tr(Lam^2)                 *)

From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp Require Import ring.
From SolvableAlgebra Require Import psd quadratic_loss icl_minimizer icl_minimum.
From SolvableAlgebra Require Import expectation product_mean expected_loss.
From SolvableAlgebra Require Import icl_population.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Scalar.

Variables (R : realFieldType) (A : comAlgType R) (E : {scalar A}) (d N : nat).
Variables (w : 'cV[A]_d) (X : 'M[A]_(d, N)) (e : 'rV[A]_N) (xq : 'cV[A]_d).
Variables (Lam Psi : 'M[R]_d) (s2 : R).
Hypothesis law : prompt_law E w X e xq Lam Lam Psi s2 0.
Hypothesis N_gt0 : (0 < N)%N.

Local Notation a := (coef_a R N).
Local Notation b := (coef_b N Lam Psi s2).
Local Notation risk := (expected_loss E w X e xq).

Definition scalar_slope := \tr (Lam *m Lam *m Psi).
Definition scalar_bend :=
  a * \tr (Lam *m Lam *m Lam *m Psi) + b * \tr (Lam *m Lam).

(* ICL-6: the risk is a parabola in the step. *)
Theorem scalar_risk eta : risk eta%:M =
  \tr (Lam *m Psi) - (eta * scalar_slope) *+ 2 + eta ^+ 2 * scalar_bend.
Proof.
rewrite (expected_loss_is_trace N_gt0 law) /loss /second_moment.
rewrite tr_scalar_mx mul_mx_scalar mul_mx_scalar -!scalemxAl !mxtraceZ mulrA -expr2.
rewrite mulmxDr mxtraceD -!scalemxAr !mxtraceZ !mulmxA /scalar_bend.
have -> : \tr (Lam *m Lam *m Psi *m Lam) = \tr (Lam *m Lam *m Lam *m Psi).
  by rewrite mxtrace_mulC !mulmxA.
rewrite /scalar_slope; move: (\tr _) (\tr _) (\tr _) (\tr (Lam *m Psi)) => f g h k.
by rewrite !mulr2n; ring.
Qed.

(* ICL-6: the best step, its risk, and its distance from the best matrix.    *)
Theorem best_scalar : 0 < scalar_bend ->
  let eta := scalar_slope / scalar_bend in
  [/\ risk eta%:M = \tr (Lam *m Psi) - eta * scalar_slope,
      forall x, risk x%:M = risk eta%:M + (x - eta) ^+ 2 * scalar_bend,
      forall x, risk eta%:M <= risk x%:M
    & 0 < b -> risk (best Lam Psi a b) <= risk eta%:M /\
      (pd Lam -> risk eta%:M = risk (best Lam Psi a b) <->
                 exists x, best Lam Psi a b = x%:M)].
Proof.
move=> k_gt0 eta; have k0 : scalar_bend != 0 by rewrite gt_eqF.
have excess x : risk x%:M = risk eta%:M + (x - eta) ^+ 2 * scalar_bend.
  rewrite !scalar_risk /eta; move: scalar_bend scalar_slope k0 => k m k0.
  by rewrite !mulr2n; field.
have least x : risk eta%:M <= risk x%:M.
  by rewrite (excess x) ler_addl mulr_ge0 ?sqr_ge0 // ltW.
split=> // [|b_gt0].
  rewrite scalar_risk /eta; move: scalar_bend scalar_slope k0 => k m k0.
  by rewrite !mulr2n; field.
have [_ _ min _ uniq] := population_minimizer law N_gt0 b_gt0.
split=> // pdL; split=> [/(uniq pdL) <-|[x bestE]]; first by exists eta.
by apply/eqP; rewrite eq_le min bestE least.
Qed.

End Scalar.

Section Isotropic.

Variables (R : realFieldType) (A : comAlgType R) (E : {scalar A}) (d N : nat).
Variables (w : 'cV[A]_d) (X : 'M[A]_(d, N)) (e : 'rV[A]_N) (xq : 'cV[A]_d).
Variables (lam psi s2 : R).
Local Notation Lam := (lam%:M : 'M[R]_d).
Local Notation Psi := (psi%:M : 'M[R]_d).
Hypothesis law : prompt_law E w X e xq Lam Lam Psi s2 0.
Hypothesis d_gt0 : (0 < d)%N.
Hypothesis N_gt0 : (0 < N)%N.
Hypothesis lam_gt0 : 0 < lam.
Hypothesis psi_gt0 : 0 < psi.
Hypothesis s2_ge0 : 0 <= s2.

Local Notation risk := (expected_loss E w X e xq).

(* ICL-6: Lam = lam I, Psi = psi I. *)
Theorem isotropic_step :
  let eta := N%:R / ((N + d + 1)%:R * lam + s2 / psi) in
  let r := s2 / (lam * psi) in
  [/\ eta%:M = best Lam Psi (coef_a R N) (coef_b N Lam Psi s2),
      forall C, risk eta%:M <= risk C
    & risk eta%:M = d%:R * lam * psi * (((d + 1)%:R + r) / ((N + d + 1)%:R + r))].
Proof.
move=> eta r; have N0 : 0 < N%:R :> R by rewrite ltr0n.
have d0 : 0 < d%:R :> R by rewrite ltr0n.
have [l0 p0] : lam != 0 /\ psi != 0 by rewrite !gt_eqF.
have trE x : \tr (x%:M : 'M[R]_d) = d%:R * x by rewrite mxtrace_scalar mulr_natl.
have bE : coef_b N Lam Psi s2 = (d%:R * (lam * psi) + s2) / N%:R.
  by rewrite /coef_b -scalar_mxM trE.
have b_gt0 : 0 < coef_b N Lam Psi s2.
  by rewrite bE divr_gt0 // ltr_paddr // !mulr_gt0.
have n0 : N%:R != 0 :> R by rewrite gt_eqF.
have size : (N + d + 1)%:R = N%:R + d%:R + 1 :> R by rewrite !natrD.
have den : 0 < (N%:R + d%:R + 1) * lam * psi + s2.
  by rewrite ltr_paddr // !mulr_gt0 // !addr_gt0 ?ltr01.
have den0 : (N%:R + d%:R + 1) * lam * psi + s2 != 0 by rewrite gt_eqF.
have etaE : eta = N%:R * psi / ((N%:R + d%:R + 1) * lam * psi + s2).
  rewrite /eta size.
  have -> : (N%:R + d%:R + 1) * lam + s2 / psi =
            ((N%:R + d%:R + 1) * lam * psi + s2) / psi by field.
  by field; rewrite den0 p0.
have bestE : eta%:M = best Lam Psi (coef_a R N) (coef_b N Lam Psi s2).
  rewrite /best -scalar_mxM scale_scalar_mx -raddfD /= invmx_scalar -scalar_mxM.
  congr (_%:M); rewrite bE /coef_a etaE.
  have -> : (1 + N%:R^-1) * (lam * psi) + (d%:R * (lam * psi) + s2) / N%:R =
    ((N%:R + d%:R + 1) * lam * psi + s2) / N%:R by field.
  by field; rewrite n0 den0.
split=> [//|C|].
  by rewrite bestE; have [_ _ min _ _] := population_minimizer law N_gt0 b_gt0.
rewrite (scalar_risk law N_gt0) /scalar_slope /scalar_bend -!scalar_mxM !trE bE.
rewrite etaE /coef_a size natrD /r.
have -> : N%:R + d%:R + 1 + s2 / (lam * psi) =
  ((N%:R + d%:R + 1) * lam * psi + s2) / (lam * psi) by field; rewrite l0 p0.
by rewrite mulr2n; field; rewrite n0 den0 l0 p0.
Qed.

End Isotropic.

(* Any lam = u^2, psi = v^2 and noise of variance s^2, in the model.         *)
Example isotropic_step_instance (R : realFieldType) d N (u v s : R) :
  exists (A : comAlgType R) (E : {scalar A}) w (X : 'M[A]_(d, N)) e xq,
    prompt_law E w X e xq ((u ^+ 2)%:M) ((u ^+ 2)%:M) ((v ^+ 2)%:M) (s ^+ 2) 0.
Proof.
have := model_law N (u%:M : 'M[R]_d) u%:M v%:M s.
rewrite !tr_scalar_mx -!scalar_mxM -!expr2 => law.
by exists _, (average R _), (model_task N v%:M), (model_inputs N u%:M),
  (model_noise _ _ s), (model_query N u%:M).
Qed.

Example scalar_instance (R : realFieldType) d N : (0 < d)%N -> (0 < N)%N ->
  let I : 'M[R]_d := 1%:M in
  (exists (A : comAlgType R) (E : {scalar A}) w (X : 'M[A]_(d, N)) e xq,
     prompt_law E w X e xq I I I 0 0) /\ 0 < scalar_bend N I I 0.
Proof.
move=> d0 N0 I; have [law _ b0 _ _] := population_instance R d0 N0; split=> //.
rewrite /scalar_bend !mulmx1 mxtrace1 ltr_paddl //.
  by rewrite mulr_ge0 ?ler0n ?coef_a_ge0.
by rewrite mulr_gt0 // ltr0n.
Qed.
