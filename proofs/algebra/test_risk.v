(* Claim ICL-9: the risk of a linear prompt predictor on test prompts of any *)
(* law.                                                                      *)
(*                                                                           *)
(* Over any real field, any algebra of random variables with an expectation, *)
(* all d and M >= 1: tokens (x_i, y_i) and the query (xq, yq) are independent*)
(* and have the same moments of the orders that enter. Nothing is assumed    *)
(* about the label as a function of the input.                               *)
(*                                                                           *)
(*  token_law Lam c Sig v == E xq xq^T = Lam, E x y = E xq yq = c,           *)
(*               Sig the covariance of the vector x_i y_i, E yq^2 = v        *)
(*  test_risk C == E (xq^T C s - yq)^2, s = (1/M) sum_i x_i y_i              *)
(*  shrinkage N Lam == Gamma = (1 + 1/N) Lam + tr(Lam)/N I                   *)

From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp Require Import ring.
From SolvableAlgebra Require Import psd icl_forward expectation product_mean.
From SolvableAlgebra Require Import expected_loss.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Tokens.

Variables (R : realFieldType) (A : comAlgType R) (E : {scalar A}) (d M : nat).
Variables (X : 'M[A]_(d, M)) (y : 'rV[A]_M) (xq : 'cV[A]_d) (yq : A).

(* Some i is the i-th token, None the query. *)
Definition token_variables (k : option 'I_M) (v : A) :=
  match k with
  | Some i => (exists a, v = X a i) \/ v = y 0 i
  | None => (exists a, v = xq a 0) \/ v = yq
  end.

Record token_law (Lam : 'M[R]_d) (c : 'cV[R]_d) (Sig : 'M[R]_d) (v : R) : Prop := {
  token_expectation : expectation E;
  token_independent : independent E token_variables;
  token_mean : forall i a, E (X a i * y 0 i) = c a 0;
  token_covariance : forall i a b,
    E (X a i * y 0 i * (X b i * y 0 i)) = c a 0 * c b 0 + Sig a b;
  query_second : forall a b, E (xq a 0 * xq b 0) = Lam a b;
  query_label : forall a, E (xq a 0 * yq) = c a 0;
  query_square : E (yq * yq) = v }.

Let s := mean_product (M%:R^-1)%:A X y.

Definition test_risk (C : 'M[R]_d) := E (((xq^T *m lift A C *m s) 0 0 - yq) ^+ 2).

Variables (Lam : 'M[R]_d) (c : 'cV[R]_d) (Sig : 'M[R]_d) (v : R).
Hypothesis law : token_law Lam c Sig v.
Hypothesis M_gt0 : (0 < M)%N.

Let M0 : M%:R != 0 :> R. Proof. by rewrite pnatr_eq0 -lt0n. Qed.

Let other k u := exists2 j, j <> k & token_variables j u.

Let x_in k a i : Some i <> k -> polynomial_in (other k) (X a i).
Proof. by move=> ik; apply: poly_var; exists (Some i) => //; left; exists a. Qed.

Let y_in k i : Some i <> k -> polynomial_in (other k) (y 0 i).
Proof. by move=> ik; apply: poly_var; exists (Some i) => //; right. Qed.

Let xy_self a i : polynomial_in (token_variables (Some i)) (X a i * y 0 i).
Proof. by apply: poly_mul; apply: poly_var; [left; exists a | right]. Qed.

Let xq_self a : polynomial_in (token_variables None) (xq a 0).
Proof. by apply: poly_var; left; exists a. Qed.

Let sE a : s a 0 = M%:R^-1 *: \sum_i X a i * y 0 i.
Proof.
rewrite /s /mean_product !mxE -scalerAl mul1r; congr (_ *: _).
by apply: eq_bigr => i _; rewrite mxE.
Qed.

Lemma token_summary : mean E s = c.
Proof.
apply/matrixP=> a j; rewrite ord1 [LHS]mxE sE EZ Esum.
rewrite (eq_bigr (fun=> c a 0)) => [|i _]; last exact: (token_mean law).
by rewrite sumr_const card_ord -[c a 0 *+ M]mulr_natl mulKf.
Qed.

Lemma token_summary_square : mean E (s *m s^T) = c *m c^T + M%:R^-1 *: Sig.
Proof.
have pair i j a b : E (X a i * y 0 i * (X b j * y 0 j)) =
    c a 0 * c b 0 + (if i == j then Sig a b else 0).
  case: eqP => [<-|ij]; first exact: (token_covariance law).
  rewrite (token_independent law (k := Some i)) ?(token_mean law) ?addr0 //.
  by apply: poly_mul; [apply: x_in | apply: y_in]; case=> /esym.
apply/matrixP=> a b; rewrite [LHS]mxE [X in E X]mxE big_ord1 [s^T _ _]mxE !sE.
rewrite -scalerAl -scalerAr !EZ mulr_suml Esum.
rewrite (eq_bigr (fun=> M%:R * (c a 0 * c b 0) + Sig a b)) => [|i _].
  rewrite sumr_const card_ord -[_ *+ M]mulr_natl.
  rewrite [RHS]mxE [(c *m _) _ _]mxE big_ord1 [c^T _ _]mxE [(_ *: Sig) _ _]mxE.
  by move: (c a 0) (c b 0) (Sig a b) => f g h; field.
rewrite mulr_sumr Esum (eq_bigr _ (fun j _ => pair i j a b)) big_split /=.
rewrite sumr_const card_ord -[_ *+ M]mulr_natl -big_mkcond /=.
by rewrite (big_pred1 i) // => j; rewrite eq_sym.
Qed.

(* E (xq^T u - yq)^2 for a vector u of context variables. *)
Let query_expand (u : 'cV[A]_d) : (forall a, polynomial_in (other None) (u a 0)) ->
  E (((xq^T *m u) 0 0 - yq) ^+ 2) =
  \tr (Lam *m mean E (u *m u^T)) - (c^T *m mean E u) 0 0 *+ 2 + v.
Proof.
move=> pu; set g := (xq^T *m u) 0 0.
have gE : g = \sum_a xq a 0 * u a 0.
  by rewrite /g mxE; apply: eq_bigr => a _; rewrite mxE.
have -> : (g - yq) ^+ 2 = g * g - (g * yq) *+ 2 + yq * yq.
  by rewrite expr2 mulr2n; ring.
rewrite raddfD raddfB raddfMn /= (query_square law); congr (_ - _ *+ 2 + _).
  rewrite gE mulr_suml Esum /mxtrace; apply: eq_bigr => a _.
  rewrite mulr_sumr Esum [RHS]mxE; apply: eq_bigr => b _.
  rewrite [mean E _ b a]mxE [X in _ * E X]mxE big_ord1 [u^T _ _]mxE.
  rewrite mulrACA [u a 0 * _]mulrC (token_independent law (k := None)).
  - by rewrite (query_second law).
  - exact: poly_mul.
  by apply: poly_mul; apply: pu.
rewrite gE mulr_suml Esum [RHS]mxE; apply: eq_bigr => a _.
rewrite mulrAC (token_independent law (k := None)) ?(query_label law) //.
  by rewrite !mxE.
by apply: poly_mul => //; apply: poly_var; right.
Qed.

(* ICL-9: best linear risk, bias, and variance over M. *)
Theorem any_law_risk C a : Lam *m a = c ->
  test_risk C = v - (c^T *m a) 0 0 + quad Lam (C *m c - a)
                + M%:R^-1 * \tr (Sig *m C^T *m Lam *m C).
Proof.
move=> La.
have LamT : Lam^T = Lam.
  by apply/matrixP=> i j; rewrite mxE -!(query_second law) mulrC.
rewrite /test_risk -mulmxA query_expand => [|i]; last first.
  rewrite mxE; apply: poly_sum => j; rewrite mxE; apply: poly_mul.
    exact: poly_const.
  rewrite sE; apply: poly_scale; apply: poly_sum => k.
  by apply: poly_mul; [apply: x_in | apply: y_in].
rewrite meanMl token_summary.
have -> : lift A C *m s *m (lift A C *m s)^T = lift A C *m (s *m s^T) *m lift A C^T.
  by rewrite trmx_mul lift_tr !mulmxA.
rewrite meanMr meanMl token_summary_square.
have -> : \tr (Lam *m (C *m (c *m c^T + M%:R^-1 *: Sig) *m C^T)) =
    quad Lam (C *m c) + M%:R^-1 * \tr (Sig *m C^T *m Lam *m C).
  rewrite mulmxDr mulmxDl mulmxDr mxtraceD -!scalemxAr -!scalemxAl -!scalemxAr mxtraceZ.
  congr (_ + _ * _).
    have -> : C *m (c *m c^T) *m C^T = (C *m c) *m (C *m c)^T.
      by rewrite trmx_mul !mulmxA.
    move: (C *m c) => z; rewrite mulmxA mxtrace_mulC mulmxA.
    by rewrite /quad [LHS]big_ord1.
  by rewrite mxtrace_mulC -!mulmxA mxtrace_mulC !mulmxA.
have -> : quad Lam (C *m c - a) =
    quad Lam (C *m c) - (c^T *m (C *m c)) 0 0 *+ 2 + (c^T *m a) 0 0.
  have := quad_shift (C *m c) a 1 LamT; rewrite scale1r mul1r expr1n mul1r => ->.
  have aL : a^T *m Lam = c^T by rewrite -La trmx_mul LamT.
  by rewrite [a^T *m (Lam *m _)]mulmxA /quad aL.
move: (quad _ _) (_ * \tr _) ((c^T *m a) 0 0) ((c^T *m (C *m c)) 0 0) => f g h k.
by rewrite !mulr2n; ring.
Qed.

End Tokens.

(* --- the trained matrix Gamma^-1 ------------------------------------------ *)

Section Trained.

Variables (R : realFieldType) (d N : nat) (Lam : 'M[R]_d).
Hypothesis N_gt0 : (0 < N)%N.
Hypothesis Lam_pd : pd Lam.

Definition shrinkage : 'M[R]_d :=
  (1 + N%:R^-1) *: Lam + (N%:R^-1 * \tr Lam)%:M.

Local Notation G := shrinkage.
Local Notation t := (\tr Lam).

Let N0 : N%:R != 0 :> R. Proof. by rewrite pnatr_eq0 -lt0n. Qed.
Let n_gt0 : 0 < N%:R^-1 :> R. Proof. by rewrite invr_gt0 ltr0n. Qed.

Lemma trace_pd_ge0 : 0 <= t.
Proof.
have := trace_ge0 1%:M (pd_psd Lam_pd) (psd1 R d).
by rewrite trmx1 !mulmx1.
Qed.

Lemma shrinkage_unit : G \in unitmx.
Proof.
apply: pd_unit; split=> [|x x0].
  by rewrite raddfD /= linearZ /= tr_scalar_mx (proj1 Lam_pd).
rewrite /shrinkage quadD quadZ quad_scalar ltr_paddr //.
  by rewrite !mulr_ge0 ?quad1_ge0 ?trace_pd_ge0 // ltW.
by rewrite mulr_gt0 ?(proj2 Lam_pd) // addr_gt0 ?ltr01.
Qed.

Lemma shrinkage_tr : G^T = G.
Proof. by rewrite /shrinkage raddfD /= linearZ /= tr_scalar_mx (proj1 Lam_pd). Qed.

Lemma shrinkage_comm : invmx G *m Lam = Lam *m invmx G.
Proof.
have c : G *m Lam = Lam *m G.
  by rewrite /shrinkage mulmxDl mulmxDr mul_scalar_mx mul_mx_scalar -scalemxAl
    -scalemxAr.
rewrite -[LHS]mulmx1 -(mulmxV shrinkage_unit) !mulmxA -[_ *m Lam *m G]mulmxA -c.
by rewrite mulmxA mulVmx ?shrinkage_unit // mul1mx.
Qed.

(* Gamma^-1 Lam - I = - (1/N) Gamma^-1 (Lam + tr(Lam) I) *)
Lemma shrinkage_defect :
  invmx G *m Lam - 1%:M = - (N%:R^-1 *: (invmx G *m (Lam + t%:M))).
Proof.
rewrite -(mulVmx shrinkage_unit) -mulmxBr scalemxAr -mulmxN; congr (_ *m _).
rewrite /shrinkage scalerDl scale1r scalerDr scale_scalar_mx !opprD !addrA.
by rewrite subrr sub0r.
Qed.

Local Notation G2 := (invmx G *m invmx G).

(* ICL-9: bias and variance at A = Gamma^-1. *)
Theorem trained_bias (a c : 'cV[R]_d) : Lam *m a = c ->
  quad Lam (invmx G *m c - a) = N%:R^-1 ^+ 2 *
   (quad (G2 *m (Lam *m Lam *m Lam)) a + (t * quad (G2 *m (Lam *m Lam)) a) *+ 2
    + t ^+ 2 * quad (G2 *m Lam) a).
Proof.
move=> <-; rewrite mulmxA -[X in _ - X]mul1mx -mulmxBl shrinkage_defect.
have HT : (invmx G)^T = invmx G by rewrite trmx_inv shrinkage_tr.
have push Z : Z *m Lam *m invmx G = Z *m invmx G *m Lam.
  by rewrite -mulmxA -shrinkage_comm mulmxA.
have DT : (N%:R^-1 *: (invmx G *m (Lam + t%:M)))^T =
    N%:R^-1 *: ((Lam + t%:M) *m invmx G).
  by rewrite linearZ /= trmx_mul HT raddfD /= tr_scalar_mx (proj1 Lam_pd).
have quadN z : quad Lam (- z) = quad Lam z.
  by rewrite /quad [(- z)^T]raddfN /= !mulNmx mulmxN opprK.
rewrite mulNmx quadN -quad_conj DT -!scalemxAl -scalemxAr quadZ.
rewrite quadZ mulrA -expr2; congr (_ * _).
rewrite !(mulmxDl, mulmxDr) !(mul_scalar_mx, mul_mx_scalar) -!scalemxAl -!scalemxAr.
rewrite !mulmxA -shrinkage_comm !push.
rewrite !(quadD, quadZ) mulr2n.
move: (quad _ a) (quad (_ *m Lam *m Lam) a) (quad (_ *m Lam) a) => f g h.
by ring.
Qed.

Lemma trained_variance (Sig : 'M[R]_d) :
  \tr (Sig *m (invmx G)^T *m Lam *m invmx G) = \tr (Sig *m (G2 *m Lam)).
Proof.
by rewrite trmx_inv shrinkage_tr -!mulmxA -shrinkage_comm.
Qed.

End Trained.

Section TrainedRisk.

Variables (R : realFieldType) (A : comAlgType R) (E : {scalar A}) (d M N : nat).
Variables (X : 'M[A]_(d, M)) (y : 'rV[A]_M) (xq : 'cV[A]_d) (yq : A).
Variables (Lam : 'M[R]_d) (c : 'cV[R]_d) (Sig : 'M[R]_d) (v : R).
Hypothesis law : token_law E X y xq yq Lam c Sig v.
Hypothesis M_gt0 : (0 < M)%N.
Hypothesis N_gt0 : (0 < N)%N.
Hypothesis Lam_pd : pd Lam.

Let a := invmx Lam *m c.
Let G := invmx (shrinkage N Lam) *m invmx (shrinkage N Lam).

(* ICL-9: the three terms, for every matrix and for the trained one. *)
Theorem any_law_risk_split C : test_risk E X y xq yq C =
  v - (c^T *m a) 0 0 + quad Lam (C *m c - a) + M%:R^-1 * \tr (Sig *m C^T *m Lam *m C).
Proof. by apply: any_law_risk law M_gt0 _ _ _; rewrite mulKVmx // pd_unit. Qed.

Theorem trained_risk : test_risk E X y xq yq (invmx (shrinkage N Lam)) =
  v - (c^T *m a) 0 0
  + N%:R^-1 ^+ 2 * (quad (G *m (Lam *m Lam *m Lam)) a
      + (\tr Lam * quad (G *m (Lam *m Lam)) a) *+ 2 + \tr Lam ^+ 2 * quad (G *m Lam) a)
  + M%:R^-1 * \tr (Sig *m (G *m Lam)).
Proof.
rewrite any_law_risk_split trained_variance // trained_bias //.
by rewrite mulKVmx // pd_unit.
Qed.

End TrainedRisk.

(* --- linear targets ---------------------------------------------------------- *)

Section Linear.

Variables (R : realFieldType) (A : comAlgType R) (E : {scalar A}) (d N : nat).
Variables (w : 'cV[R]_d) (X : 'M[A]_(d, N)) (e : 'rV[A]_N) (xq : 'cV[A]_d).
Variables (Lam Psi Lq : 'M[R]_d) (s2 : R).
Hypothesis law : prompt_law E (lift A w) X e xq Lam Lq Psi s2 0.

(* ICL-9: the covariance of x y for y = w^T x + noise, Gaussian inputs. *)
Theorem linear_token_covariance i :
  let y := labels (lift A w) X e in let c := Lam *m w in
  (forall a, E (X a i * y 0 i) = c a 0) /\
  forall a b, E (X a i * y 0 i * (X b i * y 0 i)) = c a 0 * c b 0 +
    ((quad Lam w + s2) *: Lam + Lam *m w *m w^T *m Lam) a b.
Proof.
move=> y c; have N_gt0 : (0 < N)%N by apply: leq_ltn_trans (ltn_ord i).
have PsiE : Psi = w *m w^T.
  apply/matrixP=> a b; rewrite -(law_task law) !mxE big_ord1 [w^T _ _]mxE.
  rewrite /= -scalerAl mul1r !EZ.
  by case: (law_expectation law) => -> _; rewrite mulr1.
split=> [a|a b].
  have -> : X a i * y 0 i = \sum_b w b 0 *: (X a i * X b i) + e 0 i * X a i.
    rewrite /y labelE mulrDr [X a i * e 0 i]mulrC; congr (_ + _).
    rewrite mulr_sumr; apply: eq_bigr => b _.
    by rewrite mxE /= -scalerAl mul1r -scalerAr.
  rewrite raddfD /= (law_independent law (k := Noise i)) //.
  - rewrite (law_noise1 law) mul0r addr0 Esum mxE; apply: eq_bigr => b _.
    by rewrite EZ (law_input2 law) mulrC.
  - exact: poly_var.
  by apply: poly_var; exists (Input i) => //; exists a.
rewrite (token_product law N_gt0) eqxx token_momentE PsiE.
have LT := context_symmetric law N_gt0.
have trE : \tr (Lam *m (w *m w^T)) = quad Lam w.
  by rewrite mulmxA mxtrace_mulC mulmxA /mxtrace big_ord1.
have cE : (Lam *m (w *m w^T) *m Lam) a b = c a 0 * c b 0.
  have -> : Lam *m (w *m w^T) *m Lam = c *m c^T by rewrite trmx_mul LT !mulmxA.
  by rewrite mxE big_ord1 [c^T _ _]mxE.
rewrite trE cE addmxE scalemxE.
have -> : (Lam *m w *m w^T *m Lam) a b = c a 0 * c b 0 by rewrite -cE !mulmxA.
by rewrite addr0 mul1r mulr2n; ring.
Qed.

End Linear.

(* (x, y) any linear image of a standard vector: c = L_xy, v = L_yy and      *)
(* Sig = c c^T + v Lam.                                                      *)
Section Model.

Variables (R : realFieldType) (d M : nat) (F : 'M[R]_(d + 1)).

Local Notation J := [finType of option 'I_M * 'I_(d + 1)].
Let token k (p : 'I_(d + 1)) : J := (k, p).

Let entry k p := combination (token k) F p.

Example token_model :
  let L := F *m F^T in let Lam := ulsubmx L in let c := ursubmx L in
  let v := L (rshift d 0) (rshift d 0) in
  token_law (average R J) (\matrix_(a, i) entry (Some i) (lshift 1 a))
    (\row_i entry (Some i) (rshift d 0)) (\col_a entry None (lshift 1 a))
    (entry None (rshift d 0)) Lam c (c *m c^T + v *: Lam) v.
Proof.
move=> L Lam c v; have inj k : injective (token k) by move=> p q [].
have LT p q : L p q = L q p.
  have <- : L^T q p = L p q by rewrite mxE.
  by rewrite /L trmx_mul trmxK.
have urE (K : 'M[R]_(d + 1)) a : ursubmx K a 0 = K (lshift 1 a) (rshift d 0).
  by rewrite !mxE.
have ulE (K : 'M[R]_(d + 1)) a b : ulsubmx K a b = K (lshift 1 a) (lshift 1 b).
  by rewrite !mxE.
pose owns k : pred J := fun j => j.1 == k.
have dep k u : token_variables (\matrix_(a, i) entry (Some i) (lshift 1 a))
    (\row_i entry (Some i) (rshift d 0)) (\col_a entry None (lshift 1 a))
    (entry None (rshift d 0)) k u ->
    forall D : pred J, (forall j, owns k j -> D j) -> depends D u.
  by case: k => [i|] /= [[a]|] -> D kD; rewrite ?mxE;
    apply: combination_depends => p; apply: kD; apply: eqxx.
split.
- exact: average_expectation.
- move=> k f g kf kg; apply: (@average_mul _ _ (owns k)).
    apply: (polynomial_depends kf) => u ku; exact: (dep _ _ ku).
  apply: (polynomial_depends kg) => u [j njk ju]; apply: (dep _ _ ju) => i /= ij.
  by apply/negP => /eqP ki; apply: njk; rewrite -ki (eqP ij).
- by move=> i a; rewrite 2!mxE combination_pair // /c urE.
- move=> i a b; rewrite ![(\matrix_(_, _) _) _ _]mxE.
  rewrite combination_wick // -/L addmxE scalemxE [(c *m _) _ _]mxE big_ord1.
  rewrite [c^T _ _]mxE /c /Lam !urE ulE /v [L (rshift _ _) (lshift _ _)]LT.
  by move: (L _ _) (L _ _) (L _ _) (L _ _) => f g h k; ring.
- by move=> a b; rewrite 2!mxE combination_pair // /Lam ulE.
- by move=> a; rewrite mxE combination_pair // /c urE.
by rewrite combination_pair.
Qed.

End Model.

(* The model with F = I has the Lam = I that the trained matrix needs.       *)
Example trained_instance (R : realFieldType) d :
  let F : 'M[R]_(d + 1) := 1%:M in pd (ulsubmx (F *m F^T)).
Proof. by rewrite /= trmx1 mulmx1 scalar_mx_block block_mxKul; apply: pd1. Qed.

(* A task that does not vary, Lam = I, noise of variance 1.                  *)
Example linear_instance (R : realFieldType) d N (w : 'cV[R]_d) :
  exists (A : comAlgType R) (E : {scalar A}) (X : 'M[A]_(d, N)) e xq,
    prompt_law E (lift A w) X e xq 1%:M 1%:M (w *m w^T) 1 0.
Proof.
have := fixed_task (model_law N 1%:M 1%:M 1%:M 1) w.
rewrite trmx1 mulmx1 expr1n => law.
by exists _, (average R _), (model_inputs N 1%:M), (model_noise _ _ 1), (model_query N 1%:M).
Qed.
