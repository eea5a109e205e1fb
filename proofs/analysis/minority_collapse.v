(* Claim NC-08: when a class of the bias-free MSE problem dies. Its mode has *)
(* target tau = sqrt n, n the size of the class; N samples in all, M layers. *)
(*                                                                           *)
(* Dead means that x = 0 is the minimiser of the scalar problem NC-03.       *)

From Coq Require Import Reals Lra Lia.
From SolvableAnalysis Require Import mode_threshold.

Local Open Scope R_scope.

Lemma beta_of_sign M N tau Lam Lam' : (1 <= M)%nat -> 0 < N -> 0 < tau -> 0 < Lam -> Lam < Lam' ->
  beta_of M N tau Lam < beta_of M N tau Lam'.
Proof.
intros M1 N0 t0 L0 LL; pose proof (INR_pos M M1) as i0.
unfold beta_of; apply Rmult_lt_compat_r; [apply Rinv_0_lt_compat, pow_lt, t0|].
apply Rmult_lt_compat_l; [apply Rmult_lt_0_compat; assumption|].
apply Rlt_Rpower_l; [apply Rdiv_lt_0_compat; lra|].
split; [apply Rmult_lt_0_compat; assumption|apply Rmult_lt_compat_l; assumption].
Qed.

Lemma Lambda_c_size M N n : (1 <= M)%nat -> 0 < N -> 0 < n ->
  Lambda_c M N (sqrt n) = (INR M - 1) ^ (M - 1) / INR M ^ (2 * M) * (n ^ M / N ^ (M + 1)).
Proof.
intros M1 N0 n0; unfold Lambda_c; rewrite (pow_mult (sqrt n)).
replace (sqrt n ^ 2) with n by (simpl; rewrite Rmult_1_r, sqrt_sqrt; lra); reflexivity.
Qed.

Lemma Lambda_c_pos M N n : (1 <= M)%nat -> 0 < N -> 0 < n -> 0 < Lambda_c M N (sqrt n).
Proof.
intros M1 N0 n0; rewrite Lambda_c_size by assumption; pose proof (INR_pos M M1).
apply Rmult_lt_0_compat; [|apply Rdiv_lt_0_compat; apply pow_lt; assumption].
apply Rdiv_lt_0_compat; [|apply pow_lt; assumption].
destruct (le_lt_dec M 1) as [?|M2].
- replace M with 1%nat by lia; simpl; lra.
- apply pow_lt, INR_pred_pos, M2.
Qed.

(* Every depth: alive below Lambda_c, dead above it; at it dead if M = 1 and *)
(* a tie if M >= 2. Smaller classes die first.                               *)
Theorem class_dies M N n Lam : (1 <= M)%nat -> 0 < N -> 0 < n -> 0 < Lam ->
  let beta := beta_of M N (sqrt n) Lam in
  (Lam < Lambda_c M N (sqrt n) -> forall x, minimiser M beta x -> 0 < x) /\
  (Lambda_c M N (sqrt n) < Lam -> forall x, minimiser M beta x -> x = 0) /\
  (Lam = Lambda_c M N (sqrt n) -> minimiser M beta 0 /\
     (M = 1%nat -> forall x, minimiser M beta x -> x = 0) /\
     ((2 <= M)%nat -> minimiser M beta (tie_point M))) /\
  (forall n', n < n' -> Lambda_c M N (sqrt n) < Lambda_c M N (sqrt n')).
Proof.
intros M1 N0 n0 L0 beta; assert (t0 : 0 < sqrt n) by (apply sqrt_lt_R0, n0).
pose proof (alive_iff_Lambda_below M N (sqrt n) Lam M1 N0 t0 L0) as iff; fold beta in iff.
pose proof (Lambda_c_pos M N n M1 N0 n0) as Lc0.
assert (b0 : 0 < beta).
{ unfold beta, beta_of; pose proof (INR_pos M M1); apply Rdiv_lt_0_compat; [|apply pow_lt, t0].
  apply Rmult_lt_0_compat; [apply Rmult_lt_0_compat; assumption|apply exp_pos]. }
(* beta = beta_c at Lambda_c *)
assert (at_c : beta_of M N (sqrt n) (Lambda_c M N (sqrt n)) = beta_c M).
{ pose proof (alive_iff_Lambda_below M N (sqrt n) _ M1 N0 t0 Lc0) as i.
  destruct (Rtotal_order (beta_of M N (sqrt n) (Lambda_c M N (sqrt n))) (beta_c M))
    as [l|[e|l]]; [apply i in l; lra|exact e|exfalso].
  (* the powers are equal *)
  assert (p : beta_of M N (sqrt n) (Lambda_c M N (sqrt n)) ^ M = beta_c M ^ M).
  { unfold beta_of, Rdiv at 1; rewrite !Rpow_mult_distr, root_pow, pow_inv, <- pow_mult
      by (exact M1 || apply Rmult_lt_0_compat; assumption).
    rewrite beta_c_pow by exact M1; unfold Lambda_c.
    pose proof (INR_pos M M1) as i0; pose proof (pow_lt (INR M) M i0).
    pose proof (pow_lt N M N0); pose proof (pow_lt (sqrt n) (2 * M) t0).
    replace (INR M ^ (2 * M)) with (INR M ^ M * INR M ^ M)
      by (rewrite <- pow_add; f_equal; lia).
    rewrite (pow_add N M 1), pow_1; field; repeat split; lra. }
  pose proof (beta_c_pos M M1); apply pow_inj in p; [lra|exact M1|lra|lra]. }
split; [|split; [|split]].
- intros l x mx; apply iff in l; apply (minimiser_below M beta x M1 b0 l mx).
- intros l x mx; apply (only_minimiser_unique M beta 0); [|exact mx].
  apply above_threshold; [exact M1|]; rewrite <- at_c; apply beta_of_sign; assumption.
- intro e; assert (eb : beta = beta_c M) by (unfold beta; rewrite e; exact at_c).
  rewrite eb; split; [|split].
  + split; [lra|]; intros x x0; rewrite cost_zero by exact M1; apply at_threshold; assumption.
  + intros m1 x mx; subst M; rewrite beta_c_one in mx.
    destruct (one_layer 1 ltac:(lra)) as [_ H]; destruct (H ltac:(lra)) as [om _].
    apply (only_minimiser_unique 1 1); assumption.
  + intro M2; apply tie_at_threshold, M2.
- intros n' nn; rewrite !Lambda_c_size by (assumption || lra).
  apply Rmult_lt_compat_l.
  + pose proof (Lambda_c_pos M N n M1 N0 n0) as p; rewrite Lambda_c_size in p by assumption.
    assert (q : 0 < n ^ M / N ^ (M + 1)) by (apply Rdiv_lt_0_compat; apply pow_lt; assumption).
    apply Rmult_lt_reg_r with (n ^ M / N ^ (M + 1)); [exact q|rewrite Rmult_0_l; exact p].
  + apply Rmult_lt_compat_r; [apply Rinv_0_lt_compat, pow_lt, N0|].
    apply pow_lt_strict; [exact M1|lra|exact nn].
Qed.

(* One layer: dead iff n <= N^2 lambda_W lambda_H. *)
Theorem one_layer_collapse N n lw lh : 0 < N -> 0 < n -> 0 < lw -> 0 < lh ->
  (forall x, minimiser 1 (beta_of 1 N (sqrt n) (lh * lw)) x -> x = 0)
  <-> n <= N ^ 2 * lw * lh.
Proof.
intros N0 n0 w0 h0; assert (L0 : 0 < lh * lw) by (apply Rmult_lt_0_compat; assumption).
destruct (class_dies 1 N n (lh * lw) ltac:(lia) N0 n0 L0) as [alive [dead [tie _]]].
assert (Lc : Lambda_c 1 N (sqrt n) = n / N ^ 2)
  by (rewrite Lambda_c_size by (assumption || lia); simpl; field; lra).
rewrite Lc in *.
assert (N2 : 0 < N ^ 2) by (apply pow_lt, N0).
assert (conv : n / N ^ 2 * N ^ 2 = n) by (field; lra).
split; intro H.
- destruct (Rle_lt_dec n (N ^ 2 * lw * lh)) as [?|l]; [assumption|exfalso].
  assert (lt : lh * lw < n / N ^ 2) by (apply Rmult_lt_reg_r with (N ^ 2); lra).
  assert (b0 : 0 < beta_of 1 N (sqrt n) (lh * lw)).
  { apply Rdiv_lt_0_compat; [|apply pow_lt, sqrt_lt_R0, n0].
    apply Rmult_lt_0_compat; [simpl; lra|apply exp_pos]. }
  pose proof (alive_iff_Lambda_below 1 N (sqrt n) (lh * lw) ltac:(lia) N0
    (sqrt_lt_R0 _ n0) L0) as i; rewrite Lc in i.
  destruct (below_threshold 1 _ ltac:(lia) b0 (proj2 i lt)) as [a [a0 [_ [_ [_ [[_ om] _]]]]]].
  assert (ma : minimiser 1 (beta_of 1 N (sqrt n) (lh * lw)) a).
  { split; [lra|]; intros x x0; destruct (Req_dec x a) as [->|xa]; [lra|].
    apply Rlt_le, om; assumption. }
  specialize (H a ma); lra.
- destruct H as [l|e].
  + apply dead; apply Rmult_lt_reg_r with (N ^ 2); lra.
  + apply tie; [apply Rmult_eq_reg_r with (N ^ 2); lra|reflexivity].
Qed.

(* Sweep in the imbalance: with N = kA nA + kB nB and lam = sqrt(lw lh) the  *)
(* minority classes of size nB are dead from nA = (sqrt nB / lam - kB nB)/kA.*)
Theorem imbalance_sweep kA kB nA nB lam : 0 < kA -> 0 < kB -> 0 < nA -> 0 < nB -> 0 < lam ->
  nB <= (kA * nA + kB * nB) ^ 2 * lam ^ 2 <-> (sqrt nB / lam - kB * nB) / kA <= nA.
Proof.
intros kA0 kB0 nA0 nB0 l0; set (N := kA * nA + kB * nB).
assert (N0 : 0 < N) by (unfold N; assert (0 < kA * nA /\ 0 < kB * nB)
  by (split; apply Rmult_lt_0_compat; assumption); lra).
set (s := sqrt nB); assert (s0 : 0 < s) by (apply sqrt_lt_R0, nB0).
assert (ss : s * s = nB) by (apply sqrt_sqrt; lra).
assert (nl : 0 < N * lam) by (apply Rmult_lt_0_compat; assumption).
assert (a : nB <= N ^ 2 * lam ^ 2 <-> s <= N * lam).
{ replace (N ^ 2 * lam ^ 2) with ((N * lam) * (N * lam)) by ring; rewrite <- ss; split; intro; nra. }
rewrite a; split; intro H.
- apply Rmult_le_reg_r with (kA * lam); [apply Rmult_lt_0_compat; assumption|].
  replace ((s / lam - kB * nB) / kA * (kA * lam)) with (s - kB * nB * lam) by (field; lra).
  unfold N in H; lra.
- apply Rmult_le_compat_r with (r := kA * lam) in H;
    [|apply Rlt_le, Rmult_lt_0_compat; assumption].
  replace ((s / lam - kB * nB) / kA * (kA * lam)) with (s - kB * nB * lam) in H by (field; lra).
  unfold N; lra.
Qed.

(* The hypotheses can be met. *)
Example collapse_instance : (1 <= 3)%nat /\ 0 < 20 /\ 0 < 4 /\ 0 < 1 / 1000 /\ 0 < 5.
Proof. repeat split; try lia; lra. Qed.
