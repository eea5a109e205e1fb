(* Claims ICL-3, ICL-11, ICL-19: the results on the trace polynomial, stated *)
(* for the expected loss itself.                                             *)
(*                                                                           *)
(* The loss is E (x_q^T A s - w^T x_q)^2 for any law of prompts (see         *)
(* expected_loss); that Lam and Psi are positive semidefinite is then a      *)
(* consequence. b_N > 0 excludes prompts whose labels vanish. Mixtures: a    *)
(* prompt of type k has an expectation, a length and moments of its own.     *)

From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp Require Import ring.
From SolvableAlgebra Require Import psd quadratic_loss icl_minimizer icl_minimum.
From SolvableAlgebra Require Import icl_mixture reduced_flow expectation product_mean.
From SolvableAlgebra Require Import icl_forward expected_loss spectral.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Population.

Variables (R : realFieldType) (A : comAlgType R) (E : {scalar A}) (d N : nat).
Variables (w : 'cV[A]_d) (X : 'M[A]_(d, N)) (e : 'rV[A]_N) (xq : 'cV[A]_d).
Variables (Lam Psi : 'M[R]_d) (s2 : R).
Hypothesis law : prompt_law E w X e xq Lam Lam Psi s2 0.
Hypothesis N_gt0 : (0 < N)%N.
Implicit Types C H : 'M[R]_d.

Local Notation a := (coef_a R N).
Local Notation b := (coef_b N Lam Psi s2).
Local Notation S := (second_moment Lam Psi a b).
Local Notation risk := (expected_loss E w X e xq).
Local Notation best := (best Lam Psi a b).

Let LE := expected_loss_is_trace N_gt0 law.
Let Lam_psd : psd Lam := query_psd law.
Let Psi_psd : psd Psi := task_psd law.
Let s2_ge0 : 0 <= s2 := noise_ge0 law N_gt0.
Let a_ge0 : 0 <= a := coef_a_ge0 R N.
Let b_ge0 : 0 <= b := coef_b_ge0 N Lam_psd Psi_psd s2_ge0.

(* ICL-3: gradient and convexity, by the exact expansion. *)
Theorem risk_gradient C H : risk (C + H) =
  risk C + \tr (gradient Lam Psi a b C *m H^T) + \tr (Lam *m H *m S *m H^T).
Proof. by rewrite !LE gradient_expansion. Qed.

Theorem risk_convex t C C' : 0 <= t <= 1 ->
  risk (t *: C + (1 - t) *: C') <= t * risk C + (1 - t) * risk C'.
Proof. by rewrite !LE; apply: loss_convex. Qed.

Theorem risk_strictly_convex_iff : (0 < d)%N ->
  (forall C C' t, C != C' -> 0 < t < 1 ->
     risk (t *: C + (1 - t) *: C') < t * risk C + (1 - t) * risk C')
  <-> pd Lam /\ 0 < b.
Proof.
move=> d_gt0; rewrite -(strictly_convex_iff N_gt0 Lam_psd Psi_psd s2_ge0 d_gt0).
by split=> strict C C' t CC' t01; have := strict C C' t CC' t01; rewrite !LE.
Qed.

Hypothesis b_gt0 : 0 < b.

(* ICL-3: A* = Psi (a Lam Psi + b)^-1 is a global minimizer, symmetric and   *)
(* positive semidefinite; the minimizers are the A with Lam A Lam =          *)
(* Lam A* Lam, only A* itself if Lam is positive definite.                   *)
Theorem population_minimizer :
  [/\ psd best, gradient Lam Psi a b best = 0, forall C, risk best <= risk C,
      forall C, risk C = risk best <-> Lam *m C *m Lam = Lam *m best *m Lam
    & pd Lam -> forall C, risk C = risk best -> C = best].
Proof.
split=> [||C|C|pdL C].
- exact: best_psd.
- exact: best_stationary.
- by rewrite !LE best_is_global.
- by rewrite !LE; apply: all_minimizers.
by rewrite !LE; apply: best_is_unique.
Qed.

(* ICL-3: the quadratic identity, and its form with square roots. *)
Theorem population_excess C :
  risk C = risk best + \tr (Lam *m (C - best) *m S *m (C - best)^T) /\
  forall F G : 'M[R]_d, Lam = F *m F^T -> S = G *m G^T ->
    risk C = risk best + \sum_i \sum_j ((F^T *m (C - best) *m G) i j) ^+ 2.
Proof.
by split=> [|F G LamE SE]; rewrite !LE; [apply: excess_loss | apply: excess_is_square].
Qed.

(* ICL-3: the minimum, through the spectrum of F^T Psi F. *)
Theorem population_minimum (F B : 'M[R]_d) (beta : 'rV[R]_d) :
  Lam = F *m F^T -> B^T *m B = 1%:M ->
  F^T *m Psi *m F = B *m diag_mx beta *m B^T ->
  let t := \sum_i beta 0 i in
  \tr (Lam *m Psi) = t /\
  risk best =
  \sum_i beta 0 i * ((beta 0 i + t + s2) / (N.+1%:R * beta 0 i + t + s2)).
Proof. by move=> LamE orth diag t; rewrite LE; exact: ratio_minimum b_gt0 LamE orth diag. Qed.

End Population.

(* ICL-3: over a real closed field the square root and the eigenbasis exist. *)
Section Closed.

Variables (R : rcfType) (A : comAlgType R) (E : {scalar A}) (d N : nat).
Variables (w : 'cV[A]_d) (X : 'M[A]_(d, N)) (e : 'rV[A]_N) (xq : 'cV[A]_d).
Variables (Lam Psi : 'M[R]_d) (s2 : R).
Hypothesis law : prompt_law E w X e xq Lam Lam Psi s2 0.
Hypothesis N_gt0 : (0 < N)%N.

Local Notation a := (coef_a R N).
Local Notation b := (coef_b N Lam Psi s2).

Theorem population_minimum_closed : 0 < b ->
  exists (F B : 'M[R]_d) (beta : 'rV[R]_d),
  [/\ psd F /\ Lam = F *m F,
      B^T *m B = 1%:M /\ F *m Psi *m F = B *m diag_mx beta *m B^T,
      forall i, 0 <= beta 0 i
    & let t := \tr (Lam *m Psi) in t = \sum_i beta 0 i /\
      expected_loss E w X e xq (best Lam Psi a b) =
      \sum_i beta 0 i * ((beta 0 i + t + s2) / (N.+1%:R * beta 0 i + t + s2))].
Proof.
move=> b_gt0; have Psi_psd := task_psd law.
have [F [F_psd LamE]] := psd_root (query_psd law); have FT := proj1 F_psd.
have [B [beta [BB FE]]] := psd_eigenbasis (psd_conj F Psi_psd).
have [tE minE] := population_minimum law N_gt0 b_gt0 LamE BB FE.
exists F, B, beta; split; rewrite -?FE ?FT //; first by rewrite {1}LamE FT.
- by move=> i; apply: (eigenbasis_ge0 _ (psd_conj F Psi_psd) BB FE).
- by move=> t; rewrite /t tE.
Qed.

End Closed.

Section Flow.

Variables (R : realFieldType) (A : comAlgType R) (E : {scalar A}) (d N : nat).
Variables (w : 'cV[A]_d) (X : 'M[A]_(d, N)) (e : 'rV[A]_N) (xq : 'cV[A]_d).
Variables (Lam Psi : 'M[R]_d) (s2 : R).
Hypothesis law : prompt_law E w X e xq Lam Lam Psi s2 0.
Hypothesis N_gt0 : (0 < N)%N.

Local Notation a := (coef_a R N).
Local Notation b := (coef_b N Lam Psi s2).
Local Notation S := (second_moment Lam Psi a b).
Local Notation M := (Lam *m Psi *m Lam).
Local Notation risk := (expected_loss E w X e xq).

(* ICL-19: the right sides of the flow are minus the derivatives of half the *)
(* expected loss at A = u U^T, and they conserve u^2 - |U|_F^2 (for any      *)
(* derivation D of a ring of functions of time that contains u and U).       *)
Theorem population_flow :
  (forall u (U H : 'M[R]_d), risk (product u (U + H)) = risk (product u U)
     - \tr (flow_U Lam S M u U *m H^T) *+ 2 + u ^+ 2 * \tr (Lam *m H^T *m S *m H)) /\
  (forall u h (U : 'M[R]_d), risk (product (u + h) U) = risk (product u U)
     - (flow_u Lam S M u U * h) *+ 2 + h ^+ 2 * \tr (Lam *m U^T *m S *m U)) /\
  (forall (T : comRingType) (c : {rmorphism R -> T}) (D : {additive T -> T}),
     (forall f g, D (f * g) = D f * g + f * D g) ->
     forall (u : T) (U : 'M[T]_d),
       let flow_U := flow_U (map_mx c Lam) (map_mx c S) (map_mx c M) in
       let flow_u := flow_u (map_mx c Lam) (map_mx c S) (map_mx c M) in
       map_mx D U = flow_U u U -> D u = flow_u u U ->
       D (u ^+ 2 - \tr (U *m U^T)) = 0).
Proof.
have Lam_psd := query_psd law; have Psi_psd := task_psd law.
have b_ge0 := coef_b_ge0 N Lam_psd Psi_psd (noise_ge0 law N_gt0).
have LE := expected_loss_is_trace N_gt0 law.
split=> [u U H|]; first by rewrite !LE flow_U_is_gradient // coef_a_ge0.
split=> [u h U|T c D leibniz u U fU fu]; last exact: balance_conserved.
by rewrite !LE flow_u_is_gradient // coef_a_ge0.
Qed.

End Flow.

Section Mixture.

Variables (R : realFieldType) (d : nat) (K : finType) (p : K -> R).
Variables (A : K -> comAlgType R) (E : forall k, {scalar (A k)}) (N : K -> nat).
Variables (w : forall k, 'cV[A k]_d) (X : forall k, 'M[A k]_(d, N k)).
Variables (e : forall k, 'rV[A k]_(N k)) (xq : forall k, 'cV[A k]_d).
Variables (Lam Psi : K -> 'M[R]_d) (s2 : K -> R).
Hypothesis p_ge0 : forall k, 0 <= p k.
Hypothesis N_gt0 : forall k, (0 < N k)%N.
Hypothesis law : forall k,
  prompt_law (E k) (w k) (X k) (e k) (xq k) (Lam k) (Lam k) (Psi k) (s2 k) 0.
Implicit Types C : 'M[R]_d.

Definition mixture_risk C :=
  \sum_k p k * expected_loss (E k) (w k) (X k) (e k) (xq k) C.

Local Notation a := (fun k => coef_a R (N k)).
Local Notation b := (fun k => coef_b (N k) (Lam k) (Psi k) (s2 k)).
Local Notation S k := (second_moment (Lam k) (Psi k) (coef_a R (N k))
                         (coef_b (N k) (Lam k) (Psi k) (s2 k))).
Local Notation operator := (mixture_operator p Lam Psi a b).
Local Notation rhs := (mixture_rhs p Lam Psi).

Let Lam_psd k : psd (Lam k) := query_psd (law k).
Let Psi_psd k : psd (Psi k) := task_psd (law k).
Let a_ge0 k : 0 <= coef_a R (N k) := coef_a_ge0 R (N k).
Let b_ge0 k : 0 <= coef_b (N k) (Lam k) (Psi k) (s2 k) :=
  coef_b_ge0 (N k) (Lam_psd k) (Psi_psd k) (noise_ge0 (law k) (N_gt0 k)).

Let mixtureE C : mixture_risk C = mixture_loss p Lam Psi a b C.
Proof. by apply: eq_bigr => k _; rewrite (expected_loss_is_trace (N_gt0 k) (law k)). Qed.

(* ICL-11: the minimizers of the expected loss of a mixture. *)
Theorem population_mixture_minimizers C :
  (forall C', mixture_risk C <= mixture_risk C') <-> operator C = rhs.
Proof.
rewrite -(mixture_minimizers p_ge0 Lam_psd Psi_psd a_ge0 b_ge0).
by split=> min C'; have := min C'; rewrite !mixtureE.
Qed.

(* ICL-11: minimum, excess, uniqueness. *)
Theorem population_mixture_excess C : operator C = rhs ->
  [/\ mixture_risk C = \sum_k p k * \tr (Lam k *m Psi k) - \tr (rhs *m C^T),
      forall C', mixture_risk C' = mixture_risk C +
        \sum_k p k * \tr (Lam k *m (C' - C) *m S k *m (C' - C)^T)
    & forall k C', 0 < p k -> pd (Lam k) -> pd (S k) -> operator C' = rhs -> C' = C].
Proof.
move=> stat.
have [m x] := mixture_excess p_ge0 Lam_psd Psi_psd a_ge0 b_ge0 stat.
split=> [|C'|k C' pk pL pS stat']; rewrite ?mixtureE //.
exact: (mixture_unique p_ge0 Lam_psd Psi_psd a_ge0 b_ge0 pk pL pS stat stat').
Qed.

End Mixture.

(* Lam = Psi = I and no noise, in the model of expected_loss, with every     *)
(* length N; the spectral form holds with F = B = I.                         *)
Example population_instance (R : realFieldType) d N : (0 < d)%N -> (0 < N)%N ->
  let I : 'M[R]_d := 1%:M in
  [/\ exists (A : comAlgType R) (E : {scalar A}) w (X : 'M[A]_(d, N)) e xq,
        prompt_law E w X e xq I I I 0 0,
      pd I, 0 < coef_b N I I 0, I = I *m I^T
    & I^T *m I *m I = I *m diag_mx (const_mx 1) *m I^T].
Proof.
move=> d0 N0 I; have [pdI _ b0 e1 e2] := isotropic_instance R d0 N0; split=> //.
have := model_law N I I I 0; rewrite trmx1 mulmx1 expr0n /= => law.
by exists _, (average R _), (model_task N I), (model_inputs N I), (model_noise _ _ 0),
  (model_query N I).
Qed.

(* Any finite family of lengths. *)
Example mixture_population_instance (R : realFieldType) d (K : finType) (N : K -> nat) :
  (0 < d)%N -> (0 < #|K|)%N -> (forall k, 0 < N k)%N ->
  let I := fun _ : K => (1%:M : 'M[R]_d) in
  let a := fun k => coef_a R (N k) in
  let b := fun k => coef_b (N k) (I k) (I k) 0 in
  (forall k, exists (A : comAlgType R) (E : {scalar A}) w (X : 'M[A]_(d, N k)) e xq,
     prompt_law E w X e xq (I k) (I k) (I k) 0 0) /\
  exists C : 'M[R]_d,
    mixture_operator (fun=> 1) I I a b C = mixture_rhs (fun=> 1) I I.
Proof.
move=> d0 K0 N0 I a b; split=> [k|].
  by have [] := population_instance R d0 (N0 k).
pose c := \sum_k (a k + b k).
have c0 : c != 0.
  have [k _] := card_gt0P K0; rewrite /c (bigD1 k) //= gt_eqF // ltr_paddr //.
    apply: sumr_ge0 => i _; apply: addr_ge0; first exact: coef_a_ge0.
    by apply: coef_b_ge0 => //; apply: psd1.
  rewrite ltr_paddl ?coef_a_ge0 //.
  by have [_ _ ->] := population_instance R d0 (N0 k).
exists (#|K|%:R / c)%:M; rewrite /mixture_operator /mixture_rhs /second_moment /I.
rewrite (eq_bigr (fun k => ((#|K|%:R / c) * (a k + b k))%:M)) => [|k _].
  rewrite -raddf_sum -mulr_sumr -/c mulfVK // (eq_bigr (fun=> 1%:M)) => [|k _].
    by rewrite sumr_const raddfMn.
  by rewrite scale1r !mulmx1.
rewrite scale1r !mulmx1 mul1mx -scalerDl scale_scalar_mx mulr1 -scalar_mxM.
by [].
Qed.
