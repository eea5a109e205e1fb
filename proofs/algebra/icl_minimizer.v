(* Claim ICL-3: the minimizer of the population loss of one layer of linear  *)
(* self-attention: stationary, symmetric, positive semidefinite, global, and *)
(* unique when Lam > 0. Stated for any coefficients a >= 0, b > 0, so it is  *)
(* also the minimizer of ICL-26 (elliptical covariates).                     *)
(*                                                                           *)
(* Over any real field; all dimensions d, context lengths N, covariances Lam *)
(* and task moments Psi that are positive semidefinite, commuting or not.    *)
(* The loss is the trace polynomial to which ICL-2 reduces the expectation.  *)
(*                                                                           *)
(*  second_moment Lam Psi a b == S = a Lam Psi Lam + b Lam                   *)
(*  loss Lam Psi a b A == tr(Lam A S A^T) - 2 tr(Lam A Lam Psi) + tr(Lam Psi)*)
(*  gradient Lam Psi a b A == 2 Lam A S - 2 Lam Psi Lam                      *)
(*  best Lam Psi a b  == Psi (a Lam Psi + b I)^-1, the A* of ICL-3           *)
(*  coef_a N, coef_b N Lam Psi s2 == a_N = 1 + 1/N, b_N = (t + s2) / N       *)

From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp Require Import ring.
From SolvableAlgebra Require Import psd quadratic_loss.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

(* --- one covariance ------------------------------------------------------ *)

Section OneCovariance.

Variables (R : realFieldType) (d : nat) (Lam Psi : 'M[R]_d) (a b : R).
Implicit Types A H : 'M[R]_d.

Definition second_moment : 'M[R]_d := a *: (Lam *m Psi *m Lam) + b *: Lam.

Local Notation S := second_moment.

Definition loss A :=
  \tr (Lam *m A *m S *m A^T) - \tr (Lam *m A *m Lam *m Psi) *+ 2
  + \tr (Lam *m Psi).

Definition gradient A : 'M[R]_d :=
  (Lam *m A *m S) *+ 2 - (Lam *m Psi *m Lam) *+ 2.

Definition best : 'M[R]_d := Psi *m invmx (a *: (Lam *m Psi) + b%:M).

Hypothesis Lam_psd : psd Lam.
Hypothesis Psi_psd : psd Psi.
Hypothesis a_ge0 : 0 <= a.

Let LamT : Lam^T = Lam. Proof. by case: Lam_psd. Qed.
Let PsiT : Psi^T = Psi. Proof. by case: Psi_psd. Qed.

Let one_L := fun _ : 'I_1 => Lam.
Let one_S := fun _ : 'I_1 => S.

Lemma lossE A : loss A =
  qloss one_L one_S (Lam *m Psi *m Lam) (\tr (Lam *m Psi)) A.
Proof.
rewrite /loss /qloss /form /operator big_ord1; congr (_ - _ *+ 2 + _).
by rewrite -mxtrace_tr !trmx_mul LamT PsiT !mulmxA mxtrace_mulC !mulmxA.
Qed.

Lemma operator1 A : operator one_L one_S A = Lam *m A *m S.
Proof. by rewrite /operator big_ord1. Qed.

Hypothesis b_ge0 : 0 <= b.

Lemma second_moment_psd : psd S.
Proof.
apply: psdD; apply: psdZ => //.
by rewrite -{1}LamT; apply: psd_conj.
Qed.

Let L1psd k : psd (one_L k). Proof. exact: Lam_psd. Qed.
Let S1psd k : psd (one_S k). Proof. exact: second_moment_psd. Qed.

(* ICL-3: `gradient` is the gradient, by the exact expansion of the loss.    *)
Theorem gradient_expansion A H :
  loss (A + H) = loss A + \tr (gradient A *m H^T)
                 + \tr (Lam *m H *m S *m H^T).
Proof.
rewrite !lossE qloss_shift // /form operator1; congr (_ + \tr (_ *m _) + _).
by rewrite /qgrad operator1 mulrnBl.
Qed.

(* ICL-3: convexity, through the exact defect. *)
Theorem loss_convex s A B : 0 <= s <= 1 ->
  loss (s *: A + (1 - s) *: B) <= s * loss A + (1 - s) * loss B.
Proof.
case/andP=> s0 s1; rewrite !lossE qloss_segment // ger_addl oppr_le0.
by rewrite !mulr_ge0 ?subr_ge0 // form_ge0.
Qed.

End OneCovariance.

Section Minimizer.

Variables (R : realFieldType) (d : nat) (Lam Psi : 'M[R]_d) (a b : R).
Implicit Types A H : 'M[R]_d.
Hypothesis Lam_psd : psd Lam.
Hypothesis Psi_psd : psd Psi.
Hypothesis a_ge0 : 0 <= a.
Hypothesis b_gt0 : 0 < b.

Local Notation S := (second_moment Lam Psi a b).
Local Notation loss := (loss Lam Psi a b).
Local Notation best := (best Lam Psi a b).

Let LamT : Lam^T = Lam. Proof. by case: Lam_psd. Qed.
Let PsiT : Psi^T = Psi. Proof. by case: Psi_psd. Qed.
Let b_ge0 : 0 <= b. Proof. exact: ltW. Qed.
Let b_neq0 : b != 0. Proof. by rewrite gt_eqF. Qed.

Definition left_system : 'M[R]_d := a *: (Psi *m Lam) + b%:M.
Definition right_system : 'M[R]_d := a *: (Lam *m Psi) + b%:M.

Lemma right_systemT : right_system^T = left_system.
Proof.
by rewrite /right_system raddfD /= linearZ /= trmx_mul LamT PsiT tr_scalar_mx.
Qed.

(* The inverse exists, singular Lam and Psi included. *)
Lemma left_unit : left_system \in unitmx.
Proof.
apply: unit_of_kernel => x; rewrite /left_system mulmxDl mul_scalar_mx => e.
have q0 : a * quad Psi (Lam *m x) + b * quad Lam x = 0.
  have := congr1 (fun y => (x^T *m Lam *m y) 0 0) e.
  rewrite mulmx0 [RHS]mxE mulmxDr -scalemxAl -!scalemxAr => <-.
  rewrite [RHS]addmxE !scalemxE /quad trmx_mul LamT.
  by rewrite !mulmxA.
have qL : quad Lam x = 0.
  move: q0 => /eqP; rewrite paddr_eq0; last 2 first.
  - by rewrite mulr_ge0 // (proj2 Psi_psd).
  - by rewrite mulr_ge0 // (proj2 Lam_psd).
  by case/andP=> _; rewrite mulf_eq0 (negbTE b_neq0) => /eqP.
move: e; rewrite -scalemxAl -mulmxA (psd_kernel Lam_psd qL) mulmx0 scaler0.
by rewrite add0r => /eqP; rewrite scaler_eq0 (negbTE b_neq0) => /eqP.
Qed.

Lemma right_unit : right_system \in unitmx.
Proof. by rewrite -unitmx_tr right_systemT left_unit. Qed.

Lemma push_through : left_system *m Psi = Psi *m right_system.
Proof.
rewrite /left_system /right_system mulmxDl mulmxDr mul_scalar_mx mul_mx_scalar.
by rewrite -scalemxAl -scalemxAr mulmxA.
Qed.

Lemma best_right : best *m right_system = Psi.
Proof. by rewrite /icl_minimizer.best mulmxKV // right_unit. Qed.

(* ICL-3: the two forms of A* agree. *)
Theorem best_left_form : best = invmx left_system *m Psi.
Proof.
apply: (can_inj (mulKmx left_unit)); rewrite mulKVmx ?left_unit //.
by rewrite /icl_minimizer.best mulmxA push_through mulmxK // right_unit.
Qed.

(* ICL-3: A* is symmetric, whether or not Lam and Psi commute. *)
Theorem best_symmetric : best^T = best.
Proof.
by rewrite [RHS]best_left_form /icl_minimizer.best trmx_mul trmx_inv PsiT
  right_systemT.
Qed.

(* ICL-3: A* is positive semidefinite. *)
Theorem best_psd : psd best.
Proof.
split=> [|x]; first exact: best_symmetric.
pose z := invmx right_system *m x.
have -> : x = right_system *m z by rewrite /z mulmxA mulmxV ?mul1mx // right_unit.
rewrite -quad_conj right_systemT -mulmxA best_right push_through.
rewrite /right_system mulmxDr quadD mul_mx_scalar quadZ -scalemxAr quadZ.
rewrite addr_ge0 ?mulr_ge0 ?(proj2 Psi_psd) // mulmxA.
by rewrite -{1}PsiT quad_conj (proj2 Lam_psd).
Qed.

(* ICL-3: the form with the inverse of Psi. *)
Theorem best_inverse_form : Psi \in unitmx ->
  best = invmx (a *: Lam + b *: invmx Psi).
Proof.
move=> uPsi; set M := a *: Lam + _.
have bM : best *m M = 1%:M.
  have -> : M = right_system *m invmx Psi.
    by rewrite /right_system mulmxDl mul_scalar_mx -scalemxAl mulmxK.
  by rewrite mulmxA best_right mulmxV.
have uM : M \in unitmx by case/mulmx1_unit: bM.
by rewrite -[LHS](mulmxK uM) bM mul1mx.
Qed.

(* S = (a Lam Psi + b) Lam, so the normal equation Lam A S = Lam Psi Lam     *)
(* holds at A*.                                                              *)
Lemma second_momentE : S = right_system *m Lam.
Proof. by rewrite /right_system mulmxDl mul_scalar_mx -scalemxAl. Qed.

Lemma best_normal : Lam *m best *m S = Lam *m Psi *m Lam.
Proof. by rewrite second_momentE mulmxA -[Lam *m best *m _]mulmxA best_right. Qed.

Let stationary : operator (fun _ : 'I_1 => Lam) (fun _ : 'I_1 => S) best
  = Lam *m Psi *m Lam.
Proof. by rewrite operator1 best_normal. Qed.

Let L1psd (k : 'I_1) : psd Lam. Proof. exact: Lam_psd. Qed.
Let S1psd (k : 'I_1) : psd S. Proof. exact: second_moment_psd. Qed.

(* ICL-3: the gradient vanishes at A*. *)
Theorem best_stationary : gradient Lam Psi a b best = 0.
Proof. by rewrite /gradient best_normal subrr. Qed.

(* ICL-3: the quadratic identity and the minimum. *)
Theorem excess_loss A :
  loss A = loss best + \tr (Lam *m (A - best) *m S *m (A - best)^T).
Proof. by rewrite !lossE // (qloss_excess _ L1psd S1psd _ stationary) /form operator1. Qed.

Theorem minimum_value :
  loss best = \tr (Lam *m Psi) - \tr (Lam *m best *m Lam *m Psi).
Proof.
rewrite lossE // qloss_min //; congr (_ - _).
by rewrite -[RHS]mxtrace_tr !trmx_mul LamT PsiT !mulmxA [RHS]mxtrace_mulC !mulmxA.
Qed.

(* ICL-3: the excess as a squared Frobenius norm, for every factorisation of *)
(* Lam and S; with symmetric square roots it is the norm of ICL-3.           *)
Theorem excess_is_square (F G : 'M[R]_d) A : Lam = F *m F^T -> S = G *m G^T ->
  loss A = loss best + \sum_i \sum_j ((F^T *m (A - best) *m G) i j) ^+ 2.
Proof.
move=> LamE SE; rewrite excess_loss SE; congr (_ + _).
move: (A - best) => D; set Q := F^T *m D *m G.
have -> : Lam *m D *m (G *m G^T) *m D^T = F *m (Q *m (G^T *m D^T)).
  by rewrite LamE /Q !mulmxA.
rewrite mxtrace_mulC -mulmxA.
have -> : G^T *m D^T *m F = Q^T by rewrite /Q !trmx_mul trmxK mulmxA.
rewrite /mxtrace; apply: eq_bigr => i _.
by rewrite mxE; apply: eq_bigr => j _; rewrite [Q^T _ _]mxE expr2.
Qed.

(* ICL-3: A* is a global minimizer. *)
Theorem best_is_global A : loss best <= loss A.
Proof.
by rewrite (excess_loss A) ler_addl trace_ge0 //; apply: second_moment_psd.
Qed.

(* ICL-3: the minimizers for singular Lam: Lam A Lam is determined. *)
Theorem all_minimizers A :
  loss A = loss best <-> Lam *m A *m Lam = Lam *m best *m Lam.
Proof.
have LAL : Lam *m A *m Lam = Lam *m best *m Lam <-> Lam *m (A - best) *m Lam = 0.
  by rewrite mulmxBr mulmxBl; split=> [->|/eqP]; rewrite ?subrr // subr_eq0 => /eqP.
rewrite (excess_loss A) LAL; set D := A - best; split=> [/eqP|z].
  rewrite -subr_eq0 addrAC subrr add0r => /eqP z.
  have := trace_eq0 Lam_psd (second_moment_psd Lam_psd Psi_psd a_ge0 b_ge0) z.
  rewrite second_momentE => z2.
  have LS : right_system *m Lam = Lam *m left_system.
    by rewrite /left_system /right_system mulmxDl mulmxDr mul_scalar_mx
      mul_mx_scalar -scalemxAl -scalemxAr mulmxA.
  move: z2; rewrite LS mulmxA => z3.
  by rewrite -[LHS](mulmxK left_unit) z3 mul0mx.
have -> : Lam *m D *m S = Lam *m D *m Lam *m left_system.
  rewrite second_momentE -[RHS]mulmxA; congr (_ *m _).
  by rewrite /left_system /right_system mulmxDl mulmxDr mul_scalar_mx
    mul_mx_scalar -scalemxAl -scalemxAr mulmxA.
by rewrite z !mul0mx mxtrace0 addr0.
Qed.

(* ICL-3: uniqueness. *)
Theorem best_is_unique A : pd Lam -> loss A = loss best -> A = best.
Proof.
move=> /pd_unit uL /all_minimizers e.
rewrite -[LHS](mulKmx uL) -[RHS](mulKmx uL); congr (_ *m _).
by rewrite -[LHS](mulmxK uL) -[RHS](mulmxK uL) e.
Qed.

End Minimizer.

Section Coefficients.

Variables (R : realFieldType) (d N : nat) (Lam Psi : 'M[R]_d) (s2 : R).

Definition coef_a : R := 1 + (N%:R)^-1.
Definition coef_b : R := (\tr (Lam *m Psi) + s2) / N%:R.

Hypothesis Lam_psd : psd Lam.
Hypothesis Psi_psd : psd Psi.
Hypothesis s2_ge0 : 0 <= s2.

Lemma coef_a_ge0 : 0 <= coef_a.
Proof. by rewrite addr_ge0 ?ler01 // invr_ge0 ler0n. Qed.

Lemma trace_LamPsi_ge0 : 0 <= \tr (Lam *m Psi).
Proof. by have := trace_ge0 1%:M Lam_psd Psi_psd; rewrite trmx1 !mulmx1. Qed.

Lemma coef_b_ge0 : 0 <= coef_b.
Proof. by rewrite divr_ge0 ?addr_ge0 ?trace_LamPsi_ge0 ?ler0n. Qed.

End Coefficients.

(* The hypotheses can be met, by singular matrices that do not commute as    *)
(* well: N = 1, no noise.                                                    *)
Example noncommuting_instance (R : realFieldType) :
  let Lam : 'M[R]_2 := const_mx 1 in
  let Psi : 'M[R]_2 := delta_mx 0 0 in
  [/\ psd Lam, psd Psi, Lam *m Psi != Psi *m Lam, 0 <= coef_a R 1
    & 0 < coef_b 1 Lam Psi 0].
Proof.
move=> Lam Psi; split.
- have := psd_conjT (const_mx 1 : 'cV[R]_2) (psd1 R 1); rewrite mulmx1.
  suff -> : (const_mx 1 : 'cV[R]_2) *m (const_mx 1)^T = Lam by [].
  by apply/matrixP=> i j; rewrite !mxE big_ord1 !mxE mulr1.
- have := psd_conjT (delta_mx 0 0 : 'cV[R]_2) (psd1 R 1); rewrite mulmx1.
  by rewrite trmx_delta mul_delta_mx.
- apply/eqP=> /matrixP/(_ 1 0) /eqP.
  rewrite !mxE !big_ord_recl !big_ord0 !mxE /=.
  by rewrite !(mulr0, mul0r, mulr1, addr0) oner_eq0.
- by rewrite addr_ge0 ?invr_ge0 ?ler0n ?ler01.
rewrite /coef_b; suff -> : \tr (Lam *m Psi) = 1 by rewrite addr0 divr1 ltr01.
rewrite /mxtrace !big_ord_recl !big_ord0 !mxE !big_ord_recl !big_ord0 !mxE /=.
by rewrite !(mulr0, mulr1, addr0).
Qed.
