(* Claim ICL-11: the linear equation of the minimizers in Kronecker form, and*)
(* a mixture whose minimizer is not symmetric.                               *)
(*                                                                           *)
(*     stack A == the columns of A, one below the other                      *)
(*  kronecker S L == S x L, with (S x L) stack A = stack (L A S^T)           *)
(*  mixture_system == sum_k p_k S_k x Lam_k                                  *)

From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp Require Import ring.
From SolvableAlgebra Require Import psd quadratic_loss icl_minimizer icl_mixture.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Kronecker.

Variables (R : realFieldType) (d : nat).
Implicit Types (A S L : 'M[R]_d).

(* Columns stacked; the Kronecker product that belongs to it. *)
Definition stack A : 'cV[R]_(d * d) := (mxvec A^T)^T.

Definition unstack (p : 'I_(d * d)) : 'I_d * 'I_d :=
  enum_val (cast_ord (esym (mxvec_cast d d)) p).

Definition kronecker S L : 'M[R]_(d * d) :=
  \matrix_(p, q) (S (unstack p).1 (unstack q).1 * L (unstack p).2 (unstack q).2).

Lemma unstackK i j : unstack (mxvec_index i j) = (i, j).
Proof. by rewrite /unstack /mxvec_index cast_ordK enum_rankK. Qed.

Lemma stackE A i j : stack A (mxvec_index j i) 0 = A i j.
Proof. by rewrite mxE mxvecE mxE. Qed.

Lemma kronecker_stack S L A : S^T = S -> kronecker S L *m stack A = stack (L *m A *m S).
Proof.
move=> ST; apply/colP=> p; case/mxvec_indexP: p => j i.
rewrite stackE mxE (reindex _ (curry_mxvec_bij _ _)) /=.
transitivity (\sum_l \sum_k S j l * L i k * A k l); last first.
  rewrite mxE; apply: eq_bigr => l _; rewrite mxE mulr_suml; apply: eq_bigr => k _.
  have -> : S j l = S l j by rewrite -{1}ST mxE.
  by rewrite -mulrA mulrC.
rewrite pair_bigA /=; apply: eq_bigr => -[l k] _ /=.
by rewrite stackE [kronecker _ _ _ _]mxE !unstackK.
Qed.

Lemma stack_inj A B : stack A = stack B -> A = B.
Proof. by move=> /trmx_inj /(can_inj mxvecK) /trmx_inj. Qed.

Lemma stack_onto x : exists A, x = stack A.
Proof. by exists (vec_mx x^T)^T; rewrite /stack trmxK vec_mxK trmxK. Qed.

Lemma stackD A B : stack (A + B) = stack A + stack B.
Proof. by rewrite /stack !linearD. Qed.

Lemma stackZ c A : stack (c *: A) = c *: stack A.
Proof. by rewrite /stack !linearZ. Qed.

Lemma stack_sum (K : finType) (A : K -> 'M[R]_d) :
  stack (\sum_k A k) = \sum_k stack (A k).
Proof. by rewrite /stack !linear_sum. Qed.

Lemma stack_dot A B : ((stack A)^T *m stack B) 0 0 = \tr (B *m A^T).
Proof.
rewrite mxE (reindex _ (curry_mxvec_bij _ _)) /=.
transitivity (\sum_l \sum_k A k l * B k l).
  rewrite pair_bigA /=; apply: eq_bigr => -[l k] _ /=.
  by rewrite [_^T _ _]mxE !stackE.
rewrite exchange_big; apply: eq_bigr => k _; rewrite mxE; apply: eq_bigr => l _.
by rewrite mxE mulrC.
Qed.

End Kronecker.

Section Mixture.

Variables (R : realFieldType) (d : nat) (K : finType) (p : K -> R).
Variables (Lam Psi : K -> 'M[R]_d) (a b : K -> R).
Hypothesis p_ge0 : forall k, 0 <= p k.
Hypothesis Lam_psd : forall k, psd (Lam k).
Hypothesis Psi_psd : forall k, psd (Psi k).
Hypothesis a_ge0 : forall k, 0 <= a k.
Hypothesis b_ge0 : forall k, 0 <= b k.

Let S k := second_moment (Lam k) (Psi k) (a k) (b k).
Let S_psd k : psd (S k). Proof. exact: second_moment_psd. Qed.

Definition mixture_system := \sum_k p k *: kronecker (S k) (Lam k).

Lemma mixture_system_stack A :
  mixture_system *m stack A = stack (mixture_operator p Lam Psi a b A).
Proof.
rewrite /mixture_system mulmx_suml stack_sum; apply: eq_bigr => k _.
by rewrite -scalemxAl kronecker_stack ?stackZ // (proj1 (S_psd k)).
Qed.

(* ICL-11: the same equation. *)
Theorem kronecker_equation A :
  mixture_operator p Lam Psi a b A = mixture_rhs p Lam Psi <->
  mixture_system *m stack A = stack (mixture_rhs p Lam Psi).
Proof. by rewrite mixture_system_stack; split=> [->|/stack_inj]. Qed.

Lemma mixture_system_quad A : quad mixture_system (stack A) =
  \sum_k p k * \tr (Lam k *m A *m S k *m A^T).
Proof.
rewrite /quad -mulmxA mixture_system_stack stack_dot mulmx_suml raddf_sum /=.
by apply: eq_bigr => k _; rewrite -scalemxAl mxtraceZ.
Qed.

(* ICL-11: it is positive semidefinite, and definite if one pair is.         *)
Theorem mixture_system_psd : psd mixture_system.
Proof.
split=> [|x].
  rewrite /mixture_system raddf_sum; apply: eq_bigr => k _ /=.
  have sym (T : 'M[R]_d) : T^T = T -> forall i j, T i j = T j i.
    by move=> TT i j; rewrite -{1}TT mxE.
  rewrite linearZ /=; congr (_ *: _); apply/matrixP=> i j.
  rewrite mxE ![kronecker _ _ _ _]mxE (sym _ (proj1 (S_psd k))).
  by rewrite (sym _ (proj1 (Lam_psd k))).
have [A ->] := stack_onto x; rewrite mixture_system_quad.
by apply: sumr_ge0 => k _; rewrite mulr_ge0 // trace_ge0.
Qed.

Theorem mixture_system_pd k : 0 < p k -> pd (Lam k) -> pd (S k) -> pd mixture_system.
Proof.
move=> pk pL pS; split=> [|x x0]; first by case: mixture_system_psd.
rewrite lt_neqAle (proj2 mixture_system_psd) andbT eq_sym.
apply: contraNneq x0; have [A ->] := stack_onto x.
rewrite mixture_system_quad => /eqP; rewrite psumr_eq0 => [|j _]; last first.
  by rewrite mulr_ge0 // trace_ge0.
move=> /allP/(_ k (mem_index_enum _)); rewrite /= mulf_eq0 gt_eqF //= => /eqP.
move=> /(trace_eq0 (Lam_psd k) (S_psd k)) z; apply/eqP.
suff -> : A = 0 by rewrite /stack !linear0.
rewrite -[A](mulKmx (pd_unit pL)) -[Lam k *m A](mulmxK (pd_unit pS)) z.
by rewrite mul0mx mulmx0.
Qed.

End Mixture.

(* ICL-11: the minimizer, unique here, need not be symmetric: N = 1, two     *)
(* types of equal weight.                                                    *)
Theorem mixture_not_symmetric (R : realFieldType) :
  exists (Lam Psi : bool -> 'M[R]_2) (s2 : bool -> R),
  let half := fun _ : bool => (2%:R^-1 : R) in
  let a := fun _ : bool => coef_a R 1 in
  let b := fun k => coef_b 1 (Lam k) (Psi k) (s2 k) in
  [/\ forall k, [/\ psd (Lam k), psd (Psi k) & 0 <= s2 k],
      pd (Lam true), pd (second_moment (Lam true) (Psi true) (a true) (b true))
    & exists2 A, mixture_operator half Lam Psi a b A = mixture_rhs half Lam Psi
        & A^T != A].
Proof.
pose Lam (k : bool) : 'M[R]_2 := if k then 1%:M else delta_mx 0 0.
pose Psi (k : bool) : 'M[R]_2 := if k then const_mx 1 else 0.
pose s2 (k : bool) : R := if k then 0 else 2%:R.
have J_psd : psd (const_mx 1 : 'M[R]_2).
  have := psd_conjT (const_mx 1 : 'cV[R]_2) (psd1 R 1); rewrite mulmx1.
  suff -> : (const_mx 1 : 'cV[R]_2) *m (const_mx 1)^T = (const_mx 1 : 'M[R]_2) by [].
  by apply/matrixP=> i j; rewrite !mxE big_ord1 !mxE mulr1.
have D_psd : psd (delta_mx 0 0 : 'M[R]_2).
  have := psd_conjT (delta_mx 0 0 : 'cV[R]_2) (psd1 R 1); rewrite mulmx1.
  by rewrite trmx_delta mul_delta_mx.
have b1 : coef_b 1 (Lam true) (Psi true) (s2 true) = 2%:R.
  rewrite /coef_b /Lam /Psi /s2 mul1mx addr0 divr1 /mxtrace.
  by rewrite !big_ord_recl big_ord0 !mxE; ring.
have b0 : coef_b 1 (Lam false) (Psi false) (s2 false) = 2%:R.
  by rewrite /coef_b /Lam /Psi /s2 mulmx0 mxtrace0 add0r divr1.
have a1 : coef_a R 1 = 2%:R by rewrite /coef_a invr1.
exists Lam, Psi, s2 => half a b; split.
- case; rewrite /Lam /Psi /s2; split=> //; rewrite ?ler0n //; first exact: psd1.
  by split=> [|x]; rewrite ?trmx0 // /quad mulmx0 mul0mx mxE.
- exact: pd1.
- rewrite /b b1 /a a1 /second_moment /Lam mul1mx mulmx1; split=> [|x x0].
    by rewrite raddfD /= !linearZ /= trmx1 (proj1 J_psd).
  rewrite quadD !quadZ ltr_paddl // ?mulr_ge0 ?ler0n ?(proj2 J_psd) //.
  by rewrite mulr_gt0 ?ltr0n // (proj2 (pd1 R 2)).
exists (\matrix_(i, j) (if i == 0 then (if j == 0 then 10%:R^-1 else 5%:R^-1)
                        else 6%:R^-1)).
  rewrite /mixture_operator /mixture_rhs !big_bool /b b1 b0 /a a1 /half.
  rewrite /second_moment /Lam /Psi !(mul1mx, mulmx1, mulmx0, mul0mx, scaler0, add0r, addr0).
  apply/matrixP; case=> [[|[|//]] hi]; case=> [[|[|//]] hj];
  rewrite !mxE !big_ord_recl !big_ord0 !mxE ?big_ord_recl ?big_ord0 ?mxE /=; by field.
apply/eqP=> /matrixP/(_ 0 1); rewrite !mxE /= => /invr_inj /eqP.
by rewrite eqr_nat.
Qed.

(* The mixture of icl_mixture, in Kronecker form. *)
Example kronecker_instance (R : realFieldType) d :
  let Lam := fun k : 'I_2 => ((k.+1)%:R%:M : 'M[R]_d) in
  let half := fun _ : 'I_2 => (2%:R^-1 : R) in
  let I := fun _ : 'I_2 => (1%:M : 'M[R]_d) in
  [/\ forall k, 0 < half k, forall k, psd (Lam k), forall k, psd (I k), pd (Lam 0)
    & pd (second_moment (Lam 0) (I 0) 1 1)].
Proof.
move=> Lam half I; have [_ [pL pS]] := mixture_instance R d; split=> // k.
- by rewrite /half invr_gt0 ltr0n.
- by rewrite /Lam -scalemx1; apply: psdZ; [rewrite ler0n | apply: psd1].
exact: psd1.
Qed.
