(* Claim ICL-5: prompts of another length than in training, and random       *)
(* lengths.                                                                  *)
(*                                                                           *)
(* Over any real field, any law of prompts of expected_loss. M is the length *)
(* at test; N, the length in training, enters through A* only.               *)
(*                                                                           *)
(*  length_bias Lam Psi C == tr(Lam (C Lam - I) Psi (C Lam - I)^T)           *)
(*  length_variance Lam Psi s2 C == tr(Lam C (Lam Psi Lam + (t + s2) Lam) C^T)*)
(*  inverse_length p N == E 1/N for lengths N k of probability p k           *)

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

Section Terms.

Variables (R : realFieldType) (d : nat) (Lam Psi : 'M[R]_d) (s2 : R).
Implicit Types C : 'M[R]_d.

Definition length_bias C :=
  \tr (Lam *m (C *m Lam - 1%:M) *m Psi *m (C *m Lam - 1%:M)^T).

Definition length_variance C :=
  \tr (Lam *m C *m (Lam *m Psi *m Lam + (\tr (Lam *m Psi) + s2) *: Lam) *m C^T).

Hypothesis Lam_sym : Lam^T = Lam.
Hypothesis Psi_sym : Psi^T = Psi.

Lemma loss_affine n C : loss Lam Psi (1 + n) ((\tr (Lam *m Psi) + s2) * n) C =
  length_bias C + n * length_variance C.
Proof.
rewrite /loss /second_moment /length_bias /length_variance.
move: (\tr (Lam *m Psi) + s2) => q.
rewrite [(C *m Lam - _)^T]raddfB /= trmx_mul Lam_sym trmx1.
rewrite !(mulmxBr, mulmxBl, mulmxDr, mulmxDl) !mulmx1.
rewrite !mulmxA -!(scalemxAr, scalemxAl) !(raddfB, mxtraceD, mxtraceZ) /=.
rewrite opprK ![\tr (- _)]raddfN /= !mulmxA.
have -> : \tr (Lam *m Psi *m Lam *m C^T) = \tr (Lam *m C *m Lam *m Psi).
  by rewrite -mxtrace_tr !trmx_mul trmxK Lam_sym Psi_sym !mulmxA mxtrace_mulC !mulmxA.
move: (\tr _) (\tr _) (\tr _) (\tr (Lam *m Psi)) => f g h k.
by rewrite mulr2n; ring.
Qed.

End Terms.

Section Test.

Variables (R : realFieldType) (A : comAlgType R) (E : {scalar A}) (d M : nat).
Variables (w : 'cV[A]_d) (X : 'M[A]_(d, M)) (e : 'rV[A]_M) (xq : 'cV[A]_d).
Variables (Lam Psi : 'M[R]_d) (s2 : R).
Hypothesis law : prompt_law E w X e xq Lam Lam Psi s2 0.
Hypothesis M_gt0 : (0 < M)%N.

Local Notation risk := (expected_loss E w X e xq).

Let Lam_psd : psd Lam := query_psd law.
Let Psi_psd : psd Psi := task_psd law.

(* ICL-5: affine in 1/M, for every matrix. *)
Theorem length_affine C :
  risk C = length_bias Lam Psi C + M%:R^-1 * length_variance Lam Psi s2 C.
Proof.
rewrite (expected_loss_is_trace M_gt0 law) /coef_a /coef_b.
by apply: loss_affine; [case: Lam_psd | case: Psi_psd].
Qed.

(* ICL-5: the matrix trained at length N, at test length M.                  *)
Theorem trained_length N (F B : 'M[R]_d) (beta : 'rV[R]_d) :
  (0 < N)%N -> 0 < coef_b N Lam Psi s2 ->
  Lam = F *m F^T -> B^T *m B = 1%:M ->
  F^T *m Psi *m F = B *m diag_mx beta *m B^T ->
  let t := \sum_i beta 0 i in
  let g i := beta 0 i / (coef_a R N * beta 0 i + coef_b N Lam Psi s2) in
  risk (best Lam Psi (coef_a R N) (coef_b N Lam Psi s2)) =
  \sum_i (beta 0 i * (1 - g i) ^+ 2 + M%:R^-1 * g i ^+ 2 * (beta 0 i + t + s2)).
Proof.
move=> N_gt0 b_gt0 LamE BB FE t g; have a_ge0 := coef_a_ge0 R N.
rewrite length_affine.
have HE := whitened_best Psi_psd a_ge0 b_gt0 LamE BB FE.
have CT := best_symmetric Lam_psd Psi_psd a_ge0 b_gt0.
move: (best _ _ _ _) CT HE => C CT HE.
pose P := F^T *m Psi *m F; pose H := F^T *m C *m F.
have HT : H^T = H by rewrite /H !trmx_mul trmxK CT mulmxA.
have mulD := in_basisM BB.
have PE : P = in_basis B beta by rewrite /P FE.
have HPH : \tr (H *m P *m H) = \sum_i g i ^+ 2 * beta 0 i.
  rewrite /H HE PE !mulD in_basis_trace //; apply: eq_bigr => i _.
  by rewrite !mxE -/(g i) mulrAC -expr2.
have HP : \tr (H *m P) = \sum_i g i * beta 0 i.
  rewrite /H HE PE mulD in_basis_trace //; apply: eq_bigr => i _.
  by rewrite !mxE.
have HH : \tr (H *m H) = \sum_i g i ^+ 2.
  rewrite /H HE mulD in_basis_trace //; apply: eq_bigr => i _.
  by rewrite !mxE -expr2.
have PT : \tr P = \sum_i beta 0 i by rewrite PE in_basis_trace.
have -> : length_bias Lam Psi C = \tr (H *m P *m H) - \tr (H *m P) *+ 2 + \tr P.
  pose Y := F^T *m (C *m Lam - 1%:M).
  have YE : Y = (H - 1%:M) *m F^T.
    by rewrite /Y /H mulmxBr mulmxBl mulmx1 mul1mx LamE !mulmxA.
  have -> : length_bias Lam Psi C = \tr (Y *m Psi *m Y^T).
    rewrite /length_bias {1}LamE /Y trmx_mul trmxK !mulmxA [RHS]mxtrace_mulC.
    by rewrite !mulmxA.
  rewrite YE trmx_mul trmxK raddfB /= HT trmx1.
  have -> : (H - 1%:M) *m F^T *m Psi *m (F *m (H - 1%:M)) =
      H *m P *m H - H *m P - P *m H + P.
    have -> : (H - 1%:M) *m F^T *m Psi *m (F *m (H - 1%:M)) =
        (H - 1%:M) *m P *m (H - 1%:M) by rewrite /P !mulmxA.
    rewrite mulmxBl mul1mx mulmxBr mulmx1 mulmxBl opprB [P - _]addrC addrA.
    by rewrite [X in X + _]addrAC.
  rewrite !mxtraceD !raddfN /= [\tr (P *m H)]mxtrace_mulC mulr2n.
  by rewrite opprD !addrA.
have -> : length_variance Lam Psi s2 C = \tr (H *m P *m H) + (t + s2) * \tr (H *m H).
  rewrite /length_variance (spectral_trace LamE BB FE) -/t CT.
  rewrite mulmxDr mulmxDl mxtraceD -scalemxAr -scalemxAl mxtraceZ.
  by congr (_ + _ * _); rewrite LamE /H /P -!mulmxA [LHS]mxtrace_mulC !mulmxA.
rewrite HPH HP HH PT mulrDr !mulr_sumr -sumrMnl -sumrB -!big_split.
apply: eq_bigr => i _ /=; rewrite /t; move: (g i) (\sum_i _) => x y.
by rewrite mulr2n; ring.
Qed.

End Test.

Section RandomLengths.

Variables (R : realFieldType) (d : nat) (K : finType) (p : K -> R).
Variables (A : K -> comAlgType R) (E : forall k, {scalar (A k)}) (N : K -> nat).
Variables (w : forall k, 'cV[A k]_d) (X : forall k, 'M[A k]_(d, N k)).
Variables (e : forall k, 'rV[A k]_(N k)) (xq : forall k, 'cV[A k]_d).
Variables (Lam Psi : 'M[R]_d) (s2 : R).
Hypothesis p_ge0 : forall k, 0 <= p k.
Hypothesis p_total : \sum_k p k = 1.
Hypothesis N_gt0 : forall k, (0 < N k)%N.
Hypothesis law : forall k,
  prompt_law (E k) (w k) (X k) (e k) (xq k) Lam Lam Psi s2 0.

Definition inverse_length := \sum_k p k * (N k)%:R^-1.

Local Notation n := inverse_length.
Local Notation risk := (mixture_risk p E w X e xq).
Local Notation q := (\tr (Lam *m Psi) + s2).

(* ICL-5: random lengths count through the mean of 1/N. *)
Theorem random_lengths :
  (forall C, risk C = loss Lam Psi (1 + n) (q * n) C) /\
  (0 < q -> forall C, risk (best Lam Psi (1 + n) (q * n)) <= risk C).
Proof.
have [k0 _ | none] := pickP K; last first.
  have p0 : \sum_k p k = 0 by apply: big1 => k _; have := none k.
  by have := oner_neq0 R; rewrite -p_total p0 eqxx.
have Lam_psd := query_psd (law k0); have Psi_psd := task_psd (law k0).
have n_ge0 : 0 <= n.
  by apply: sumr_ge0 => k _; rewrite mulr_ge0 ?invr_ge0 ?ler0n.
have lossE C : risk C = loss Lam Psi (1 + n) (q * n) C.
  rewrite loss_affine ?(proj1 Lam_psd) ?(proj1 Psi_psd) // /inverse_length mulr_suml.
  transitivity ((\sum_k p k) * length_bias Lam Psi C +
      \sum_k p k * (N k)%:R^-1 * length_variance Lam Psi s2 C).
    rewrite mulr_suml -big_split; apply: eq_bigr => k _.
    by rewrite (length_affine (law k) (N_gt0 k)) mulrDr mulrA.
  by rewrite p_total mul1r.
split=> // q_gt0 C; rewrite !lossE.
apply: best_is_global => //; first by rewrite addr_ge0 ?ler01.
rewrite mulr_gt0 // lt_neqAle n_ge0 andbT eq_sym; apply/negP => /eqP n0.
have all0 k : p k = 0.
  have /eqP := n0; rewrite psumr_eq0 => [/allP/(_ k (mem_index_enum _))|j _].
    by rewrite /= mulf_eq0 invr_eq0 pnatr_eq0 (gtn_eqF (N_gt0 k)) orbF => /eqP.
  by rewrite mulr_ge0 ?invr_ge0 ?ler0n.
have p0 : \sum_k p k = 0 by apply: big1 => k _; apply: all0.
by have := oner_neq0 R; rewrite -p_total p0 eqxx.
Qed.

End RandomLengths.

(* Lam = Psi = I, no noise, for every family of lengths, F = B = I.          *)
Example length_instance (R : realFieldType) d (K : finType) (N : K -> nat) :
  (0 < d)%N -> (forall k, 0 < N k)%N ->
  let I : 'M[R]_d := 1%:M in
  [/\ forall k, exists (A : comAlgType R) (E : {scalar A}) w (X : 'M[A]_(d, N k)) e xq,
        prompt_law E w X e xq I I I 0 0,
      forall k, 0 < coef_b (N k) I I 0, 0 < \tr (I *m I) + 0, I = I *m I^T
    & I^T *m I *m I = I *m diag_mx (const_mx 1) *m I^T].
Proof.
move=> d0 N0 I; split=> [k|k|||].
- by have [] := population_instance R d0 (N0 k).
- by have [] := population_instance R d0 (N0 k).
- by rewrite addr0 mulmx1 mxtrace1 ltr0n.
- by rewrite trmx1 mulmx1.
by rewrite trmx1 !mulmx1 diag_const_mx mulmx1.
Qed.
