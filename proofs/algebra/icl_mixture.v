(* Claim ICL-11: finite mixtures of covariances. The minimizers are the      *)
(* solutions of a linear equation, with the excess loss as a sum over the    *)
(* components. Over any real field, any finite mixture, all sizes.           *)
(*                                                                           *)
(*  mixture_loss A     == sum_k p_k L_k(A), L_k the loss of icl_minimizer for*)
(*                        (Lam_k, Psi_k) with coefficients a_k, b_k          *)
(*  mixture_operator A == sum_k p_k Lam_k A S_k                              *)
(*  mixture_rhs        == R = sum_k p_k Lam_k Psi_k Lam_k                    *)

From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp Require Import ring.
From SolvableAlgebra Require Import psd quadratic_loss icl_minimizer.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Mixture.

Variables (R : realFieldType) (d : nat) (K : finType) (p : K -> R).
Variables (Lam Psi : K -> 'M[R]_d) (a b : K -> R).
Hypothesis p_ge0 : forall k, 0 <= p k.
Hypothesis Lam_psd : forall k, psd (Lam k).
Hypothesis Psi_psd : forall k, psd (Psi k).
Hypothesis a_ge0 : forall k, 0 <= a k.
Hypothesis b_ge0 : forall k, 0 <= b k.
Implicit Types A : 'M[R]_d.

Let S k := second_moment (Lam k) (Psi k) (a k) (b k).
Let pL k := p k *: Lam k.

Definition mixture_loss A := \sum_k p k * loss (Lam k) (Psi k) (a k) (b k) A.
Definition mixture_operator A := \sum_k p k *: (Lam k *m A *m S k).
Definition mixture_rhs := \sum_k p k *: (Lam k *m Psi k *m Lam k).

Lemma mixture_operatorE A : mixture_operator A = operator pL S A.
Proof. by apply: eq_bigr => k _; rewrite /pL -!scalemxAl. Qed.

Lemma mixture_lossE A : mixture_loss A =
  qloss pL S mixture_rhs (\sum_k p k * \tr (Lam k *m Psi k)) A.
Proof.
rewrite /qloss formE /mixture_rhs mulmx_suml raddf_sum /= -sumrMnl -sumrB.
rewrite -big_split; apply: eq_bigr => k _ /=.
rewrite lossE // /qloss formE big_ord1 /pL -!scalemxAl !mxtraceZ -/(S k) !mulr2n.
move: (\tr (Lam k *m A *m S k *m A^T)) (\tr (Lam k *m Psi k)) => u t.
by move: (\tr (_ *m A^T)) => v; ring.
Qed.

Let pLpsd k : psd (pL k). Proof. exact: psdZ. Qed.
Let Spsd k : psd (S k). Proof. exact: second_moment_psd. Qed.

(* ICL-11: the minimizers are the solutions of the linear equation. *)
Theorem mixture_minimizers A :
  (forall A', mixture_loss A <= mixture_loss A') <->
  mixture_operator A = mixture_rhs.
Proof.
rewrite mixture_operatorE -(qloss_minimizerP _ (\sum_k p k * \tr (Lam k *m Psi k))
  pLpsd Spsd).
by split=> min A'; have := min A'; rewrite !mixture_lossE.
Qed.

(* ICL-11: minimum and excess. *)
Theorem mixture_excess A : mixture_operator A = mixture_rhs ->
  mixture_loss A =
    \sum_k p k * \tr (Lam k *m Psi k) - \tr (mixture_rhs *m A^T) /\
  forall A', mixture_loss A' = mixture_loss A +
    \sum_k p k * \tr (Lam k *m (A' - A) *m S k *m (A' - A)^T).
Proof.
rewrite mixture_operatorE => stat; split=> [|A'].
  by rewrite mixture_lossE qloss_min.
rewrite !mixture_lossE (qloss_excess _ pLpsd Spsd _ stat) formE; congr (_ + _).
by apply: eq_bigr => k _; rewrite /pL -!scalemxAl mxtraceZ.
Qed.

(* ICL-11: one positive definite pair is enough for uniqueness. *)
Theorem mixture_unique k A A' : 0 < p k -> pd (Lam k) -> pd (S k) ->
  mixture_operator A = mixture_rhs -> mixture_operator A' = mixture_rhs ->
  A' = A.
Proof.
move=> pk /pd_unit uL /pd_unit uS stat stat'.
have [_ /(_ A')] := mixture_excess stat.
have -> : mixture_loss A' = mixture_loss A.
  apply/eqP; rewrite eq_le.
  by rewrite (proj2 (mixture_minimizers A')) ?(proj2 (mixture_minimizers A)).
move=> /eqP; rewrite -subr_eq0 opprD addrA subrr add0r oppr_eq0.
rewrite psumr_eq0 => [/allP /(_ k (mem_index_enum _))|j _]; last first.
  by rewrite mulr_ge0 // trace_ge0.
rewrite /= mulf_eq0 gt_eqF //= => /eqP /(trace_eq0 (Lam_psd k) (Spsd k)) z.
apply/eqP; rewrite -subr_eq0 -[A' - A](mulKmx uL) -[Lam k *m _](mulmxK uS) z.
by rewrite mul0mx mulmx0.
Qed.

End Mixture.

(* Two covariances, I and 2 I, that no single prompt distribution produces.  *)
Example mixture_instance (R : realFieldType) d :
  let Lam := fun k : 'I_2 => ((k.+1)%:R%:M : 'M[R]_d) in
  let half := fun _ : 'I_2 => (2%:R^-1 : R) in
  let one := fun _ : 'I_2 => (1 : R) in
  let I := fun _ : 'I_2 => (1%:M : 'M[R]_d) in
  mixture_operator half Lam I one one (5%:R / 14%:R)%:M = mixture_rhs half Lam I
  /\ pd (Lam 0) /\ pd (second_moment (Lam 0) (I 0) 1 1).
Proof.
move=> Lam half one I; split; last first.
  split; first exact: pd1.
  rewrite /second_moment /Lam /I !mulmx1 !scale1r -raddfD /=.
  split=> [|x x0]; first by rewrite tr_scalar_mx.
  by rewrite -scalemx1 quadZ mulr_gt0 ?addr_gt0 ?ltr01 ?(proj2 (pd1 R d)).
rewrite /mixture_operator /mixture_rhs !big_ord_recl !big_ord0 !addr0.
rewrite /second_moment /Lam /I /half /one /= !mulmx1 !scale1r.
rewrite -!scalar_mxM -!raddfD /= -!scalar_mxM !scale_scalar_mx -!raddfD /=.
rewrite scale_scalar_mx; congr (_%:M); rewrite -[(bump 0 0).+1]/2%N.
by field.
Qed.
