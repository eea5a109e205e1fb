(* No claim: expectations, as algebra. Used by expected_loss (ICL-2, ICL-8). *)
(*                                                                           *)
(* Random variables are the elements of a commutative algebra A over R and   *)
(* the expectation is a linear form on A: think of the variables with all    *)
(* moments finite. Nothing else of probability theory is needed for claims   *)
(* about moments.                                                            *)
(*                                                                           *)
(*   expectation E == E 1 = 1 and squares have non-negative expectation      *)
(*  polynomial_in V f == f is a polynomial in the variables that satisfy V   *)
(*  independent E V == for each k, the variables V k are independent of all  *)
(*                     the others: E(f g) = E f E g for polynomials          *)
(*          mean E M == the matrix of expectations                           *)
(*            lift C == the matrix of constants                              *)

From mathcomp Require Import all_ssreflect all_algebra.
From SolvableAlgebra Require Import psd.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Polynomials.

Variables (R : comRingType) (A : comAlgType R).
Implicit Types (V : A -> Prop) (f g : A).

Inductive polynomial_in V : A -> Prop :=
| poly_var v : V v -> polynomial_in V v
| poly_const c : polynomial_in V c%:A
| poly_add f g : polynomial_in V f -> polynomial_in V g -> polynomial_in V (f + g)
| poly_mul f g : polynomial_in V f -> polynomial_in V g -> polynomial_in V (f * g).

Lemma poly_scale V c f : polynomial_in V f -> polynomial_in V (c *: f).
Proof.
by move=> Vf; rewrite -[f]mul1r scalerAl; apply: poly_mul => //; apply: poly_const.
Qed.

Lemma poly_opp V f : polynomial_in V f -> polynomial_in V (- f).
Proof. by rewrite -scaleN1r; apply: poly_scale. Qed.

Lemma poly_sum V I (r : seq I) (F : I -> A) :
  (forall i, polynomial_in V (F i)) -> polynomial_in V (\sum_(i <- r) F i).
Proof.
move=> VF; elim/big_ind: _ => // [|f g]; last exact: poly_add.
by rewrite -[0](scale0r 1); apply: poly_const.
Qed.

Lemma poly_subst V V' f : polynomial_in V f ->
  (forall v, V v -> polynomial_in V' v) -> polynomial_in V' f.
Proof.
move=> Vf VV'; elim: Vf => [v /VV'//|c|g h _ Vg _ Vh|g h _ Vg _ Vh].
- exact: poly_const.
- exact: poly_add.
exact: poly_mul.
Qed.

Lemma poly_none f : polynomial_in (fun=> False) f -> exists c, f = c%:A.
Proof.
elim=> [//|c|g h _ [a ->] _ [b ->]|g h _ [a ->] _ [b ->]]; first by exists c.
  by exists (a + b); rewrite scalerDl.
by exists (a * b); rewrite -scalerAl mul1r scalerA.
Qed.

End Polynomials.

Section Expectation.

Variables (R : realFieldType) (A : comAlgType R) (E : {scalar A}).

Definition expectation := E 1 = 1 /\ forall f, 0 <= E (f ^+ 2).

Definition independent (K : Type) (V : K -> A -> Prop) :=
  forall k f g, polynomial_in (V k) f ->
    polynomial_in (fun v => exists2 j, j <> k & V j v) g -> E (f * g) = E f * E g.

Lemma EZ c f : E (c *: f) = c * E f.
Proof. by rewrite linearZ. Qed.

Lemma Esum I (r : seq I) (F : I -> A) :
  E (\sum_(i <- r) F i) = \sum_(i <- r) E (F i).
Proof. exact: raddf_sum. Qed.

Definition mean m n (M : 'M[A]_(m, n)) : 'M[R]_(m, n) := map_mx E M.

Definition lift m n (C : 'M[R]_(m, n)) : 'M[A]_(m, n) := map_mx (in_alg A) C.

Lemma meanD m n (M M' : 'M[A]_(m, n)) : mean (M + M') = mean M + mean M'.
Proof. exact: map_mxD. Qed.

Lemma meanB m n (M M' : 'M[A]_(m, n)) : mean (M - M') = mean M - mean M'.
Proof. exact: map_mxB. Qed.

Lemma mean_tr m n (M : 'M[A]_(m, n)) : mean M^T = (mean M)^T.
Proof. by rewrite /mean map_trmx. Qed.

Lemma meanMl m n p (C : 'M[R]_(m, n)) (M : 'M[A]_(n, p)) :
  mean (lift C *m M) = C *m mean M.
Proof.
apply/matrixP=> i j; rewrite !mxE raddf_sum; apply: eq_bigr => k _.
by rewrite !mxE /= -scalerAl mul1r EZ.
Qed.

Lemma lift_tr m n (C : 'M[R]_(m, n)) : (lift C)^T = lift C^T.
Proof. by rewrite /lift map_trmx. Qed.

Lemma meanMr m n p (C : 'M[R]_(n, p)) (M : 'M[A]_(m, n)) :
  mean (M *m lift C) = mean M *m C.
Proof.
apply: trmx_inj; rewrite -mean_tr !trmx_mul lift_tr meanMl.
by rewrite mean_tr.
Qed.

Lemma lift_block m1 m2 n1 n2 (C1 : 'M[R]_(m1, n1)) (C2 : 'M[R]_(m1, n2))
    (C3 : 'M[R]_(m2, n1)) (C4 : 'M[R]_(m2, n2)) :
  lift (block_mx C1 C2 C3 C4) = block_mx (lift C1) (lift C2) (lift C3) (lift C4).
Proof. exact: map_block_mx. Qed.

Lemma lift_scalar n c : lift (c%:M : 'M[R]_n) = (c%:A)%:M.
Proof. by rewrite /lift map_scalar_mx. Qed.

Lemma lift0 m n : lift (0 : 'M[R]_(m, n)) = 0.
Proof. exact: map_mx0. Qed.

Lemma lift_scale m n c (C : 'M[R]_(m, n)) : lift (c *: C) = c%:A *: lift C.
Proof. by rewrite /lift map_mxZ. Qed.

(* Second moments are positive semidefinite. *)
Lemma moment_psd n (v : 'cV[A]_n) (M : 'M[R]_n) : expectation ->
  (forall a b, E (v a 0 * v b 0) = M a b) -> psd M.
Proof.
move=> [_ pos] vM; split=> [|c].
  by apply/matrixP=> a b; rewrite mxE -!vM mulrC.
have -> : quad M c = E ((\sum_a c a 0 *: v a 0) ^+ 2); last exact: pos.
rewrite expr2 mulr_suml Esum /quad -mulmxA mxE; apply: eq_bigr => a _.
rewrite mulr_sumr Esum [c^T _ _]mxE mxE mulr_sumr; apply: eq_bigr => b _.
by rewrite -scalerAl -scalerAr !EZ vM [M a b * _]mulrC.
Qed.

End Expectation.
