(* Claims ICL-1, ICL-2, ICL-8, ICL-26: the expected loss of one layer of     *)
(* linear self-attention is a trace polynomial in its weights.               *)
(*                                                                           *)
(* Over any real field, any algebra of random variables with an expectation  *)
(* (see expectation), all d, N >= 1, all weights. The law of a prompt is     *)
(* described by independence and by the moments that enter the loss: nothing *)
(* else is assumed about it. The task may have any mean.                     *)
(*                                                                           *)
(*  w, X, e, xq == task, inputs as columns, noises, query                    *)
(*  variables k == the variables of source k: the task, the i-th input, the  *)
(*                 i-th noise, the query                                     *)
(*      labels  == w^T X + e                                                 *)
(*  predictor C == xq^T C s, s = (1/N) sum_i x_i y_i; target == w^T xq       *)
(*  expected_loss C == E (predictor C - target)^2                            *)
(*  prompt_law Lc Lq Psi s2 kappa ==                                         *)
(*    all sources are independent; E w w^T = Psi, E x_i x_i^T = Lc,          *)
(*    E xq xq^T = Lq; noises have mean 0 and second moment s2; the fourth    *)
(*    moments of x_i are 1 + kappa times those of N(0, Lc) (Wick's formula), *)
(*    kappa = 0 for Gaussian inputs, kappa of ICL-26 for elliptical ones     *)
(*  context_moment Lc Psi s2 kappa == a Lc Psi Lc + b Lc, with               *)
(*    a = 1 + (1 + 2 kappa)/N, b = ((1 + kappa) tr(Lc Psi) + s2)/N           *)

From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp Require Import ring.
From SolvableAlgebra Require Import psd quadratic_loss icl_minimizer icl_forward expectation.
From SolvableAlgebra Require Import product_mean.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Inductive source (N : nat) := Task | Input of 'I_N | Noise of 'I_N | Query.
Arguments Task {N}. Arguments Query {N}.

Section Prompt.

Variables (R : realFieldType) (A : comAlgType R) (E : {scalar A}) (d N : nat).
Variables (w : 'cV[A]_d) (X : 'M[A]_(d, N)) (e : 'rV[A]_N) (xq : 'cV[A]_d).

Definition variables (k : source N) (v : A) :=
  match k with
  | Task => exists a, v = w a 0
  | Input i => exists a, v = X a i
  | Noise i => v = e 0 i
  | Query => exists a, v = xq a 0
  end.

Definition labels : 'rV[A]_N := w^T *m X + e.

Definition predictor (C : 'M[R]_d) : A :=
  (xq^T *m lift A C *m mean_product (N%:R^-1)%:A X labels) 0 0.

Definition target : A := (w^T *m xq) 0 0.

Definition expected_loss C := E ((predictor C - target) ^+ 2).

Lemma lift_value_row V1 v2 (p : 'cV[R]_d) u :
  lift A (value_row V1 v2 p u) = value_row (lift A V1) (lift A v2) (lift A p) u%:A.
Proof. by rewrite /value_row lift_block lift_scalar lift_tr. Qed.

Lemma lift_key_columns U (q : 'cV[R]_d) k1 k2 :
  lift A (key_columns U q k1 k2) = key_columns (lift A U) (lift A q) (lift A k1) k2%:A.
Proof. by rewrite /key_columns lift_block lift_scalar lift_tr. Qed.

(* ICL-1, ICL-2: with p = q = 0 the layer predicts with C = (N/rho) u U^T,   *)
(* whether or not the query is masked.                                       *)
Theorem attention_predictor t delta V1 v2 u U k1 k2 : (0 < N)%N ->
  read_out t%:A delta%:A (lift A (value_row V1 v2 0 u))
    (lift A (key_columns U 0 k1 k2)) X labels xq =
  predictor ((N%:R * t * u) *: U^T).
Proof.
move=> N_gt0; have N0 : N%:R != 0 :> R by rewrite pnatr_eq0 -lt0n.
rewrite lift_value_row lift_key_columns !lift0.
rewrite (reduced_prediction _ _ _ _ _ _ _ _ _ _ (n := (N%:R^-1)%:A)); last first.
  by rewrite -[N%:R]scaler_nat -scalerAl mul1r scalerA divff // scale1r.
have -> : N%:R * t%:A * u%:A = (N%:R * t * u)%:A :> A.
  by rewrite -[N%:R]scaler_nat -!scalerAl mul1r -scalerAl mul1r !scalerA.
by rewrite /predictor lift_scale lift_tr.
Qed.

Record prompt_law (Lc Lq Psi : 'M[R]_d) (s2 kappa : R) : Prop := PromptLaw {
  law_expectation : expectation E;
  law_independent : independent E variables;
  law_task : forall a b, E (w a 0 * w b 0) = Psi a b;
  law_input2 : forall i a b, E (X a i * X b i) = Lc a b;
  law_input4 : forall i a b c f, E (X a i * X b i * (X c i * X f i)) =
    (1 + kappa) * (Lc a b * Lc c f + Lc a c * Lc b f + Lc a f * Lc b c);
  law_noise1 : forall i, E (e 0 i) = 0;
  law_noise2 : forall i, E (e 0 i * e 0 i) = s2;
  law_query : forall a b, E (xq a 0 * xq b 0) = Lq a b }.

Variables (Lc Lq Psi : 'M[R]_d) (s2 kappa : R).
Hypothesis law : prompt_law Lc Lq Psi s2 kappa.

Hypothesis N_gt0 : (0 < N)%N.

Let i0 := Ordinal N_gt0.
Let other k v := exists2 j, j <> k & variables j v.
Let Poly k := polynomial_in (other k).

Let factor k f g : polynomial_in (variables k) f -> Poly k g ->
  E (f * g) = E f * E g.
Proof. exact: (law_independent law). Qed.

Lemma context_symmetric : Lc^T = Lc.
Proof. by apply/matrixP=> a b; rewrite mxE -!(law_input2 law i0) mulrC. Qed.

Lemma task_symmetric : Psi^T = Psi.
Proof. by apply/matrixP=> a b; rewrite mxE -!(law_task law) mulrC. Qed.

Let Lsym a b : Lc a b = Lc b a.
Proof. by rewrite -{1}context_symmetric mxE. Qed.

Let Psym a b : Psi a b = Psi b a.
Proof. by rewrite -{1}task_symmetric mxE. Qed.

(* --- which variables occur where ------------------------------------------ *)

Let task_in k a : Task <> k -> Poly k (w a 0).
Proof. by move=> nk; apply: poly_var; exists Task => //; exists a. Qed.

Let input_in k a i : Input i <> k -> Poly k (X a i).
Proof. by move=> nk; apply: poly_var; exists (Input i) => //; exists a. Qed.

Let noise_in k i : Noise i <> k -> Poly k (e 0 i).
Proof. by move=> nk; apply: poly_var; exists (Noise i). Qed.

Let input_self i a : polynomial_in (variables (Input i)) (X a i).
Proof. by apply: poly_var; exists a. Qed.

(* --- one factor at a time --------------------------------------------------- *)

Let query_step a b f : Poly Query f -> E (xq a 0 * xq b 0 * f) = Lq a b * E f.
Proof.
move=> pf; rewrite (@factor Query) ?(law_query law) //.
by apply: poly_mul; apply: poly_var; [exists a | exists b].
Qed.

Let noise_step i f : Poly (Noise i) f -> E (e 0 i * f) = 0.
Proof.
by move=> pf; rewrite (@factor (Noise i)) ?(law_noise1 law) ?mul0r //; apply: poly_var.
Qed.

Let noise2_step i f : Poly (Noise i) f -> E (e 0 i * e 0 i * f) = s2 * E f.
Proof.
move=> pf; rewrite (@factor (Noise i)) ?(law_noise2 law) //.
by apply: poly_mul; apply: poly_var.
Qed.

Let input_step i a b f : Poly (Input i) f ->
  E (X a i * X b i * f) = Lc a b * E f.
Proof.
by move=> pf; rewrite (@factor (Input i)) ?(law_input2 law) //; apply: poly_mul.
Qed.

(* --- the labels ------------------------------------------------------------- *)

Let clean i : A := \sum_c w c 0 * X c i.

Lemma labelE i : labels 0 i = clean i + e 0 i.
Proof.
by rewrite !mxE; congr (_ + _); apply: eq_bigr => c _; rewrite mxE.
Qed.

Let clean_in k i : Task <> k -> Input i <> k -> Poly k (clean i).
Proof.
move=> tk ik; apply: poly_sum => c.
by apply: poly_mul; [apply: task_in | apply: input_in].
Qed.

(* E[s w^T] = Lc Psi *)
Lemma label_task i a b : E (X a i * labels 0 i * w b 0) = (Lc *m Psi) a b.
Proof.
rewrite labelE mulrDr mulrDl raddfD /= [X in _ + X](_ : _ = 0); last first.
  rewrite [X a i * e 0 i]mulrC -mulrA noise_step //.
  by apply: poly_mul; [apply: input_in | apply: task_in].
rewrite addr0 mxE mulr_sumr mulr_suml raddf_sum; apply: eq_bigr => c _ /=.
rewrite -(law_task law) -(@input_step i) //; last first.
  by apply: poly_mul; apply: task_in.
by congr (E _); ring.
Qed.

Let signal a b := (Lc *m Psi *m Lc) a b.

Let signalE a b : signal a b = \sum_c \sum_f Lc a c * Psi c f * Lc f b.
Proof.
rewrite /signal mxE exchange_big; apply: eq_bigr => f _.
by rewrite mxE mulr_suml.
Qed.

Let clean_product i j : i <> j -> forall a b,
  E (X a i * X b j * (clean i * clean j)) = signal a b.
Proof.
move=> nij a b; have nji : Input j <> Input i :> source N by case=> /esym.
rewrite signalE mulr_suml mulr_sumr raddf_sum; apply: eq_bigr => c _ /=.
rewrite !mulr_sumr raddf_sum; apply: eq_bigr => f _ /=.
transitivity (E (X a i * X c i * (X f j * X b j * (w c 0 * w f 0)))).
  by congr (E _); ring.
rewrite input_step; last first.
  apply: poly_mul; first by apply: poly_mul; apply: input_in.
  by apply: poly_mul; apply: task_in.
rewrite input_step ?(law_task law); first by ring.
by apply: poly_mul; apply: task_in.
Qed.

Definition token_moment : 'M[R]_d :=
  (1 + kappa) *: (\tr (Lc *m Psi) *: Lc + (Lc *m Psi *m Lc) *+ 2) + s2 *: Lc.

Let clean_square i a b : E (X a i * X b i * (clean i * clean i)) =
  ((1 + kappa) *: (\tr (Lc *m Psi) *: Lc + (Lc *m Psi *m Lc) *+ 2)) a b.
Proof.
rewrite mulr_suml mulr_sumr raddf_sum /=.
transitivity (\sum_c \sum_f (1 + kappa) *
    (Lc c f * Psi f c * Lc a b + Lc a c * Psi c f * Lc f b + Lc b c * Psi c f * Lc f a)).
  apply: eq_bigr => c _; rewrite !mulr_sumr raddf_sum; apply: eq_bigr => f _ /=.
  transitivity (E (X a i * X b i * (X c i * X f i) * (w c 0 * w f 0))).
    by congr (E _); ring.
  rewrite (@factor (Input i)); last first.
  - by apply: poly_mul; apply: task_in.
  - by repeat apply: poly_mul.
  rewrite (law_input4 law) (law_task law) [Psi f c]Psym [Lc f b]Lsym [Lc f a]Lsym.
  by ring.
rewrite scalemxE !addmxE scalemxE -/(signal a b).
have {2}-> : signal a b = signal b a.
  have <- : (Lc *m Psi *m Lc)^T b a = signal a b by rewrite mxE.
  by rewrite !trmx_mul context_symmetric task_symmetric mulmxA.
rewrite !signalE /mxtrace mulr_suml -!big_split mulr_sumr; apply: eq_bigr => c _.
rewrite mxE mulr_suml -!big_split mulr_sumr; apply: eq_bigr => f _.
by rewrite /=; ring.
Qed.

Lemma token_momentE a b : token_moment a b =
  (1 + kappa) * (\tr (Lc *m Psi) * Lc a b + signal a b *+ 2) + s2 * Lc a b.
Proof.
rewrite /token_moment /signal; move: (Lc *m Psi *m Lc) (\tr _) => M t.
by rewrite mulr2n !mxE -mulr2n.
Qed.

(* E[x y (x y)^T] within a token and between tokens. *)
Lemma token_product i j a b :
  E (X a i * labels 0 i * (X b j * labels 0 j)) =
  if i == j then token_moment a b else (Lc *m Psi *m Lc) a b.
Proof.
rewrite !labelE.
have -> : X a i * (clean i + e 0 i) * (X b j * (clean j + e 0 j)) =
  X a i * X b j * (clean i * clean j) + (e 0 i * (X a i * X b j * clean j)
  + e 0 j * (X a i * X b j * clean i) + e 0 i * e 0 j * (X a i * X b j)) by ring.
have xx k : (forall l, Input l <> k) -> Poly k (X a i * X b j).
  by move=> nk; apply: poly_mul; apply: input_in.
have xxg k l : (forall l, Input l <> k) -> Task <> k -> Poly k (X a i * X b j * clean l).
  by move=> nk tk; apply: poly_mul; [apply: xx | apply: clean_in].
rewrite !raddfD /= !noise_step; try by apply: xxg.
rewrite addr0 add0r.
have [<-|nij] := eqVneq i j.
  have pX : Poly (Noise i) (X a i * X b i) by apply: poly_mul; apply: input_in.
  rewrite clean_square noise2_step //.
  by rewrite (law_input2 law) /token_moment addmxE; congr (_ + _); rewrite scalemxE.
rewrite clean_product; last exact/eqP.
rewrite -mulrA noise_step ?addr0 //; apply: poly_mul; last exact: xx.
by apply: noise_in; case=> /esym/eqP; rewrite (negbTE nij).
Qed.

(* --- the summary statistic s = (1/N) sum_i x_i y_i -------------------------- *)

Let n : R := N%:R^-1.
Let s := mean_product n%:A X labels.

Let sE a : s a 0 = n *: \sum_i X a i * labels 0 i.
Proof.
rewrite /s /mean_product !mxE -scalerAl mul1r; congr (_ *: _).
by apply: eq_bigr => i _; rewrite mxE.
Qed.

Definition context_moment : 'M[R]_d :=
  second_moment Lc Psi (1 + (1 + kappa *+ 2) / N%:R)
                ((\tr (Lc *m Psi) * (1 + kappa) + s2) / N%:R).

(* ICL-2: the second moment of s. *)
Theorem summary_square : mean E (s *m s^T) = context_moment.
Proof.
have N0 : N%:R != 0 :> R by rewrite pnatr_eq0 -lt0n.
apply/matrixP=> a b; rewrite [LHS]mxE [X in E X]mxE big_ord1 [s^T _ _]mxE !sE.
rewrite -scalerAl -scalerAr !EZ mulr_suml raddf_sum /=.
rewrite (eq_bigr (fun=> N%:R * (Lc *m Psi *m Lc) a b +
    (token_moment a b - (Lc *m Psi *m Lc) a b))) => [|i _].
  rewrite sumr_const card_ord -mulr_natl token_momentE -/(signal a b) /n.
  rewrite /context_moment /second_moment addmxE !scalemxE -/(signal a b).
  move: (\tr _) (signal a b) (Lc a b) => t u v; rewrite !mulr2n.
  by field.
rewrite mulr_sumr raddf_sum (eq_bigr (fun j => (Lc *m Psi *m Lc) a b +
   (if i == j then token_moment a b - (Lc *m Psi *m Lc) a b else 0))).
  rewrite big_split /= sumr_const card_ord -[_ *+ N]mulr_natl -big_mkcond /=.
  by rewrite (big_pred1 i) // => j; rewrite eq_sym.
by move=> j _ /=; rewrite token_product; case: eqP; rewrite ?addr0 // addrC subrK.
Qed.

Lemma summary_task : mean E (s *m w^T) = Lc *m Psi.
Proof.
have N0 : N%:R != 0 :> R by rewrite pnatr_eq0 -lt0n.
apply/matrixP=> a b; rewrite [LHS]mxE [X in E X]mxE big_ord1 [w^T _ _]mxE sE.
rewrite -scalerAl EZ mulr_suml raddf_sum (eq_bigr (fun=> (Lc *m Psi) a b)).
  by rewrite sumr_const card_ord -[_ *+ N]mulr_natl mulrA mulVf // mul1r.
by move=> i _; apply: label_task.
Qed.

Lemma task_square : mean E (w *m w^T) = Psi.
Proof.
by apply/matrixP=> a b; rewrite !mxE big_ord1 [w^T _ _]mxE (law_task law).
Qed.

(* --- the query --------------------------------------------------------------- *)

Lemma query_risk (v : 'cV[A]_d) : (forall a, Poly Query (v a 0)) ->
  E ((xq^T *m v) 0 0 ^+ 2) = \tr (Lq *m mean E (v *m v^T)).
Proof.
move=> pv; rewrite mxE expr2 mulr_suml raddf_sum /mxtrace; apply: eq_bigr => a _ /=.
rewrite mulr_sumr raddf_sum [RHS]mxE; apply: eq_bigr => b _ /=.
rewrite [mean E _ b a]mxE [X in _ * E X]mxE big_ord1 ![_^T _ _]mxE -query_step.
  by rewrite mulrACA [v b 0 * _]mulrC.
by apply: poly_mul; apply: pv.
Qed.

(* ICL-8: context, query and task with laws of their own. *)
Theorem shifted_risk C : expected_loss C =
  \tr (Lq *m (C *m context_moment *m C^T - C *m Lc *m Psi - Psi *m Lc *m C^T + Psi)).
Proof.
pose v := lift A C *m s - w.
have -> : expected_loss C = E ((xq^T *m v) 0 0 ^+ 2).
  congr (E (_ ^+ 2)); rewrite /predictor /target -/n -/s.
  have wx : (w^T *m xq) 0 0 = (xq^T *m w) 0 0.
    by rewrite -[xq^T *m w]trmxK trmx_mul trmxK [RHS]mxE.
  have -> : xq^T *m v = xq^T *m lift A C *m s - xq^T *m w by rewrite mulmxBr mulmxA.
  move: wx; move: (xq^T *m _ *m s) (w^T *m xq) (xq^T *m w).
  by move=> P Q T QT; rewrite !mxE QT.
rewrite query_risk => [|a]; last first.
  rewrite !mxE; apply: poly_add; last by apply: poly_opp; apply: task_in.
  apply: poly_sum => b; rewrite mxE; apply: poly_mul; first exact: poly_const.
  rewrite sE; apply: poly_scale; apply: poly_sum => i; rewrite labelE.
  apply: poly_mul; first exact: input_in.
  by apply: poly_add; [apply: clean_in | apply: noise_in].
congr (\tr (_ *m _)).
have -> : v *m v^T = lift A C *m (s *m s^T) *m lift A C^T - lift A C *m (s *m w^T)
    - (w *m s^T) *m lift A C^T + w *m w^T.
  rewrite /v [(_ - w)^T]raddfB /= trmx_mul lift_tr mulmxBl !mulmxBr !mulmxA.
  by rewrite opprB addrA addrAC.
rewrite meanD !meanB meanMr !meanMl meanMr -[w *m s^T]trmxK mean_tr trmx_mul trmxK.
rewrite summary_square summary_task task_square trmx_mul context_symmetric.
by rewrite task_symmetric mulmxA.
Qed.

End Prompt.

Section SameLaw.

Variables (R : realFieldType) (A : comAlgType R) (E : {scalar A}) (d N : nat).
Variables (w : 'cV[A]_d) (X : 'M[A]_(d, N)) (e : 'rV[A]_N) (xq : 'cV[A]_d).
Variables (Lam Psi : 'M[R]_d) (s2 : R).
Hypothesis N_gt0 : (0 < N)%N.

(* ICL-26: inputs whose fourth moments are 1 + kappa times the Gaussian ones.*)
Theorem elliptical_loss kappa : prompt_law E w X e xq Lam Lam Psi s2 kappa ->
  forall C, expected_loss E w X e xq C =
  loss Lam Psi (1 + (1 + kappa *+ 2) / N%:R)
       ((\tr (Lam *m Psi) * (1 + kappa) + s2) / N%:R) C.
Proof.
move=> law C; have LT := context_symmetric law N_gt0.
have PT := task_symmetric law.
rewrite (shifted_risk law N_gt0) /loss /context_moment.
move: (second_moment _ _ _ _) => S.
rewrite mulmxDr !mulmxBr !mxtraceD !raddfN /= !mulmxA mulr2n.
have -> : \tr (Lam *m Psi *m Lam *m C^T) = \tr (Lam *m C *m Lam *m Psi).
  by rewrite -mxtrace_tr !trmx_mul trmxK LT PT !mulmxA mxtrace_mulC !mulmxA.
by rewrite opprD !addrA.
Qed.

(* ICL-2: the expected loss. *)
Theorem expected_loss_is_trace : prompt_law E w X e xq Lam Lam Psi s2 0 ->
  forall C, expected_loss E w X e xq C =
  loss Lam Psi (coef_a R N) (coef_b N Lam Psi s2) C.
Proof.
by move=> law C; rewrite (elliptical_loss law) mul0rn !addr0 mulr1 div1r.
Qed.

(* ICL-1, ICL-2: the same for the layer itself.                              *)
Theorem attention_loss t delta V1 v2 u U k1 k2 :
  prompt_law E w X e xq Lam Lam Psi s2 0 ->
  E ((read_out t%:A delta%:A (lift A (value_row V1 v2 0 u))
        (lift A (key_columns U 0 k1 k2)) X (labels w X e) xq - target w xq) ^+ 2) =
  loss Lam Psi (coef_a R N) (coef_b N Lam Psi s2) ((N%:R * t * u) *: U^T).
Proof.
move=> law; rewrite -(expected_loss_is_trace law) /expected_loss.
by rewrite attention_predictor.
Qed.

End SameLaw.

Section Positivity.

Variables (R : realFieldType) (A : comAlgType R) (E : {scalar A}) (d N : nat).
Variables (w : 'cV[A]_d) (X : 'M[A]_(d, N)) (e : 'rV[A]_N) (xq : 'cV[A]_d).
Variables (Lc Lq Psi : 'M[R]_d) (s2 kappa : R).
Hypothesis law : prompt_law E w X e xq Lc Lq Psi s2 kappa.

Lemma task_psd : psd Psi.
Proof. exact: moment_psd (law_expectation law) (law_task law). Qed.

Lemma query_psd : psd Lq.
Proof. exact: moment_psd (law_expectation law) (law_query law). Qed.

Lemma noise_ge0 : (0 < N)%N -> 0 <= s2.
Proof.
move=> N_gt0; rewrite -(law_noise2 law (Ordinal N_gt0)) -expr2.
exact: (proj2 (law_expectation law)).
Qed.

(* A task that is the same in all prompts: Psi = w w^T. *)
Lemma fixed_task (w0 : 'cV[R]_d) :
  prompt_law E (lift A w0) X e xq Lc Lq (w0 *m w0^T) s2 kappa.
Proof.
have constant V a : polynomial_in V ((lift A w0) a 0).
  by rewrite mxE; apply: poly_const.
split; try by case: law.
  move=> k f g kf kg.
  have pg : polynomial_in (fun v => exists2 j, j <> k & variables w X e xq j v) g.
    apply: (poly_subst kg) => v [j jk].
    case: j jk => [|i|i|] jk jv.
    - by case: jv => a ->; apply: constant.
    - by apply: poly_var; exists (Input i).
    - by apply: poly_var; exists (Noise i).
    by apply: poly_var; exists Query.
  case: k kf pg {kg} => [|i|i|] kf pg; last 3 first.
  - exact: (law_independent law (k := Input i)).
  - exact: (law_independent law (k := Noise i)).
  - exact: (law_independent law (k := Query)).
  have [|c ->] := @poly_none _ _ f.
    by apply: (poly_subst kf) => v [a ->]; apply: constant.
  by rewrite -scalerAl mul1r !EZ (proj1 (law_expectation law)) mulr1.
move=> a b; rewrite !mxE big_ord1 [w0^T _ _]mxE /= -scalerAl mul1r !EZ.
by rewrite (proj1 (law_expectation law)) mulr1.
Qed.

End Positivity.

(* The law can be met for every N, every Lc = F F^T, Lq = Fq Fq^T,           *)
(* Psi = G G^T and s2 = s^2: discrete variables with the moments of Gaussians*)
(* up to the fourth.                                                         *)
Section Model.

Variables (R : realFieldType) (d N : nat) (F Fq G : 'M[R]_d) (s : R).

Local Notation J := [finType of 'I_d + 'I_N * 'I_d + ('I_N + 'I_d)].
Let cw (a : 'I_d) : J := inl (inl a).
Let cx i (a : 'I_d) : J := inl (inr (i, a)).
Let ce (i : 'I_N) : J := inr (inl i).
Let cq (a : 'I_d) : J := inr (inr a).

Definition model_task : 'cV[rv R J]_d := \col_a combination cw G a.
Definition model_inputs : 'M[rv R J]_(d, N) := \matrix_(a, i) combination (cx i) F a.
Definition model_noise : 'rV[rv R J]_N := \row_i (s *: coordinate R (ce i)).
Definition model_query : 'cV[rv R J]_d := \col_a combination cq Fq a.

Let owns (k : source N) : pred J := fun j =>
  match k, j with
  | Task, inl (inl _) => true
  | Input i, inl (inr (i', _)) => i == i'
  | Noise i, inr (inl i') => i == i'
  | Query, inr (inr _) => true
  | _, _ => false
  end.

Let variables_depend k v :
  variables model_task model_inputs model_noise model_query k v ->
  forall D : pred J, (forall j, owns k j -> D j) -> depends D v.
Proof.
move=> kv D kD; case: k kv kD => [|i|i|] /=.
- by case=> a -> kD; rewrite mxE; apply: combination_depends => p; apply: kD.
- case=> a -> kD; rewrite mxE; apply: combination_depends => p; apply: kD.
  exact: eqxx.
- move=> -> kD o o' oo'; rewrite mxE !rvZ; congr (_ * _).
  by apply: (@coordinate_depends R J D (ce i)) => //; apply: kD; apply: eqxx.
by case=> a -> kD; rewrite mxE; apply: combination_depends => p; apply: kD.
Qed.

Example model_law : prompt_law (average R J) model_task model_inputs model_noise
  model_query (F *m F^T) (Fq *m Fq^T) (G *m G^T) (s ^+ 2) 0.
Proof.
split.
- exact: average_expectation.
- move=> k f g kf kg; apply: (@average_mul _ _ (owns k)).
    apply: (polynomial_depends kf) => v kv.
    exact: (variables_depend kv).
  apply: (polynomial_depends kg) => v [j njk jv]; apply: (variables_depend jv) => i.
  move=> ji /=; apply/negP => ki; apply: njk; move: ji ki.
  case: k {kf kg} => [|i1|i1|]; case: j {jv} => [|i2|i2|] //;
  by case: i => [[a|[i' a]]|[i'|a]] //= /eqP -> /eqP ->.
- by move=> a b; rewrite ![model_task _ _]mxE combination_pair // => p q [].
- by move=> i a b; rewrite ![model_inputs _ _]mxE combination_pair // => p q [].
- move=> i a b c f; rewrite ![model_inputs _ _]mxE combination_wick => [|p q []//].
  by rewrite addr0 mul1r.
- by move=> i; rewrite mxE EZ coordinate_mean mulr0.
- by move=> i; rewrite !mxE -scalerAl -scalerAr !EZ coordinate_square mulr1 expr2.
by move=> a b; rewrite ![model_query _ _]mxE combination_pair // => p q [].
Qed.

End Model.
