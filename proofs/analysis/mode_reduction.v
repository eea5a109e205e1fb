(* Claim NC-03 (and a step of NC-04): the problem of one singular direction  *)
(* in its two forms.                                                         *)
(*                                                                           *)
(* tau > 0 target, N > 0 samples, Lam = Lambda > 0, M >= 1 layers, L = M + 1.*)
(*   S(sigma) = (sigma - tau)^2 / (2 N) + L/2 Lambda^(1/L) sigma^(2/L)       *)
(* over sigma >= 0, and tau^2 / (2 N) g(x) over x >= 0 with                  *)
(* beta = M N (N Lambda)^(1/M) / tau^2, have the same minimum, and their     *)
(* minimisers correspond by sigma = tau x^M / (1 + x^M).                     *)

From Coq Require Import Reals Lra Lia.
From SolvableAnalysis Require Import mode_threshold.

Local Open Scope R_scope.

(* sigma^p with 0^p = 0 (Rpower needs a positive base). *)
Definition power0 (s p : R) := if Rlt_dec 0 s then Rpower s p else 0.
Definition mode_cost (M : nat) (N tau Lam s : R) :=
  (s - tau) ^ 2 / (2 * N)
  + INR (M + 1) / 2 * Rpower Lam (1 / INR (M + 1)) * power0 s (2 / INR (M + 1)).
Definition scaled_cost (M : nat) (N tau Lam x : R) :=
  tau ^ 2 / (2 * N) * cost M (beta_of M N tau Lam) x.
Definition mode_minimiser (M : nat) (N tau Lam s : R) :=
  0 <= s /\ forall s', 0 <= s' -> mode_cost M N tau Lam s <= mode_cost M N tau Lam s'.

Section Reduction.

Variables (M : nat) (N tau Lam : R).
Hypotheses (M1 : (1 <= M)%nat) (N0 : 0 < N) (tau0 : 0 < tau) (Lam0 : 0 < Lam).

(* Weighted AM-GM for u^(M+1) = a b^M. *)
Lemma amgm a b u : 0 < b -> 0 < u -> u ^ (M + 1) = a * b ^ M ->
  INR (M + 1) * u <= a + INR M * b.
Proof.
intros b0 u0 e.
assert (t0 : 0 < b / u) by (apply Rdiv_lt_0_compat; assumption).
pose proof (h_nonneg M (b / u) (Rlt_le _ _ t0)) as hn.
assert (bm : 0 < b ^ M) by (apply pow_lt, b0).
assert (um : 0 < u ^ M) by (apply pow_lt, u0).
replace (a + INR M * b) with (INR (M + 1) * u + u * (u ^ M / b ^ M) * h M (b / u)).
- assert (0 < u ^ M / b ^ M) by (apply Rdiv_lt_0_compat; assumption).
  assert (0 <= u * (u ^ M / b ^ M) * h M (b / u)) by (apply Rmult_le_pos; nra); lra.
- assert (ea : a = u * (u ^ M / b ^ M)).
  { apply Rmult_eq_reg_r with (b ^ M); [|lra]; rewrite <- e, pow_add; field; lra. }
  rewrite ea; unfold h; replace (S M) with (M + 1)%nat by lia.
  replace ((b / u) ^ (M + 1)) with (b / u * (b ^ M / u ^ M)).
  + replace ((b / u) ^ M) with (b ^ M / u ^ M); [field; lra|].
    unfold Rdiv; rewrite Rpow_mult_distr, pow_inv; reflexivity.
  + rewrite pow_add, pow_1; unfold Rdiv; rewrite Rpow_mult_distr, pow_inv; ring.
Qed.

(* Both problems are minima of one function of sigma and x > 0. *)
Definition joint (s x : R) :=
  (s - tau) ^ 2 / (2 * N) + s ^ 2 / (2 * N * x ^ M)
  + INR M / 2 * Rpower (N * Lam) (1 / INR M) * x.

Lemma joint_in_sigma s x : 0 < x ->
  joint s x = scaled_cost M N tau Lam x
    + (1 + x ^ M) / (2 * N * x ^ M) * (s - tau * fit M x) ^ 2.
Proof.
intro x0; assert (0 < x ^ M) by (apply pow_lt, x0).
unfold joint, scaled_cost, cost, fit, beta_of; field; repeat split; nra.
Qed.

Lemma NL0 : 0 < N * Lam.
Proof. apply Rmult_lt_0_compat; assumption. Qed.

(* The layer energy u = (Lambda sigma^2)^(1/L). *)
Definition energy (s : R) := Rpower (Lam * s ^ 2) (1 / INR (M + 1)).

Lemma energy_pow s : 0 < s -> energy s ^ (M + 1) = Lam * s ^ 2.
Proof. intro s0; apply root_pow; [lia|apply Rmult_lt_0_compat; [|apply pow_lt]; assumption]. Qed.

Lemma mode_cost_energy s : 0 < s ->
  mode_cost M N tau Lam s = (s - tau) ^ 2 / (2 * N) + INR (M + 1) / 2 * energy s.
Proof.
intro s0; unfold mode_cost, power0; destruct (Rlt_dec 0 s); [|contradiction].
assert (0 < INR (M + 1)) by (apply lt_0_INR; lia).
unfold energy; rewrite <- Rpower_mult_distr by (assumption || apply pow_lt, s0).
replace (Rpower (s ^ 2) (1 / INR (M + 1))) with (Rpower s (2 / INR (M + 1))); [ring|].
rewrite <- Rpower_pow by exact s0; rewrite Rpower_mult; f_equal; simpl; field; lra.
Qed.

Lemma joint_in_x s x : 0 < s -> 0 < x -> mode_cost M N tau Lam s <= joint s x.
Proof.
intros s0 x0; rewrite mode_cost_energy by exact s0; unfold joint.
assert (xm : 0 < x ^ M) by (apply pow_lt, x0).
set (c := Rpower (N * Lam) (1 / INR M)); assert (c0 : 0 < c) by apply exp_pos.
pose proof (amgm (s ^ 2 / (N * x ^ M)) (c * x) (energy s)) as H.
assert (INR (M + 1) * energy s <= s ^ 2 / (N * x ^ M) + INR M * (c * x)).
{ apply H; [apply Rmult_lt_0_compat; assumption|apply exp_pos|].
  rewrite energy_pow by exact s0; rewrite Rpow_mult_distr.
  unfold c; rewrite root_pow by (exact M1 || exact NL0); field; lra. }
replace (s ^ 2 / (2 * N * x ^ M)) with (s ^ 2 / (N * x ^ M) / 2) by (field; lra).
lra.
Qed.

Lemma joint_at_energy s : 0 < s -> exists x, 0 < x /\ joint s x = mode_cost M N tau Lam s.
Proof.
intro s0; set (c := Rpower (N * Lam) (1 / INR M)); assert (c0 : 0 < c) by apply exp_pos.
set (u := energy s); assert (u0 : 0 < u) by apply exp_pos.
assert (um : 0 < u ^ M) by (apply pow_lt, u0).
exists (u / c); split; [apply Rdiv_lt_0_compat; assumption|].
rewrite mode_cost_energy by exact s0; unfold joint; fold c u.
assert (cm : c ^ M = N * Lam) by (apply root_pow; [exact M1|exact NL0]).
replace ((u / c) ^ M) with (u ^ M / (N * Lam))
  by (unfold Rdiv; rewrite Rpow_mult_distr, pow_inv, cm; reflexivity).
assert (e : s ^ 2 = u * u ^ M / Lam).
{ pose proof (energy_pow s s0) as e; fold u in e; rewrite pow_add, pow_1 in e.
  apply Rmult_eq_reg_l with Lam; [|lra]; rewrite <- e; field; lra. }
rewrite e, plus_INR; simpl INR; field; repeat split; lra.
Qed.

Lemma mode_cost_zero : mode_cost M N tau Lam 0 = tau ^ 2 / (2 * N).
Proof.
unfold mode_cost, power0; destruct (Rlt_dec 0 0); [lra|]; field; lra.
Qed.

Lemma fit_zero : fit M 0 = 0.
Proof. unfold fit; rewrite pow_i by lia; field. Qed.

Lemma below_scaled x : 0 <= x -> mode_cost M N tau Lam (tau * fit M x) <= scaled_cost M N tau Lam x.
Proof.
intro x0; destruct (Req_dec x 0) as [->|xn].
- rewrite fit_zero, Rmult_0_r, mode_cost_zero; unfold scaled_cost; rewrite cost_zero by exact M1; lra.
- assert (xp : 0 < x) by lra; assert (xm : 0 < x ^ M) by (apply pow_lt, xp).
  apply Rle_trans with (joint (tau * fit M x) x).
  + apply joint_in_x; [|exact xp]; apply Rmult_lt_0_compat; [exact tau0|].
    apply Rdiv_lt_0_compat; lra.
  + rewrite joint_in_sigma by exact xp.
    replace (tau * fit M x - tau * fit M x) with 0 by ring; simpl; lra.
Qed.

Lemma some_scaled s : 0 <= s -> exists x, 0 <= x /\
  scaled_cost M N tau Lam x <= mode_cost M N tau Lam s /\
  (scaled_cost M N tau Lam x = mode_cost M N tau Lam s -> s = tau * fit M x).
Proof.
intro s0; destruct (Req_dec s 0) as [->|sn].
- exists 0; rewrite fit_zero, mode_cost_zero; unfold scaled_cost; rewrite cost_zero by exact M1.
  repeat split; lra.
- destruct (joint_at_energy s ltac:(lra)) as [x [x0 e]]; exists x; split; [lra|].
  rewrite joint_in_sigma in e by exact x0; rewrite <- e.
  assert (xm : 0 < x ^ M) by (apply pow_lt, x0).
  assert (c0 : 0 < (1 + x ^ M) / (2 * N * x ^ M))
    by (apply Rdiv_lt_0_compat; [|apply Rmult_lt_0_compat]; lra).
  set (c := (1 + x ^ M) / (2 * N * x ^ M)) in *.
  set (r := s - tau * fit M x) in *.
  assert (r2 : 0 <= r ^ 2) by apply pow2_ge_0.
  assert (0 <= c * r ^ 2) by (apply Rmult_le_pos; lra).
  split; [lra|]; intro q; destruct (Rmult_integral c (r ^ 2)) as [z|z]; [lra|lra|].
  assert (r = 0) by nra; unfold r in *; lra.
Qed.

(* A minimiser x of g gives the minimiser tau fit(x) of S, with equal value. *)
Theorem minimisers_correspond x : minimiser M (beta_of M N tau Lam) x ->
  mode_minimiser M N tau Lam (tau * fit M x) /\
  mode_cost M N tau Lam (tau * fit M x) = scaled_cost M N tau Lam x.
Proof.
intros [x0 hx].
assert (q0 : 0 < tau ^ 2 / (2 * N)) by (apply Rdiv_lt_0_compat; nra).
assert (f0 : 0 <= tau * fit M x).
{ apply Rmult_le_pos; [lra|]; pose proof (den_pos M x x0); unfold fit.
  apply Rmult_le_pos; [apply pow_le, x0|apply Rlt_le, Rinv_0_lt_compat; assumption]. }
assert (least : forall s, 0 <= s -> scaled_cost M N tau Lam x <= mode_cost M N tau Lam s).
{ intros s s0; destruct (some_scaled s s0) as [y [y0 [le _]]].
  apply Rle_trans with (2 := le); apply Rmult_le_compat_l; [lra|apply hx, y0]. }
pose proof (below_scaled x x0) as le; split; [split; [exact f0|]|].
- intros s s0; specialize (least s s0); lra.
- specialize (least _ f0); lra.
Qed.

(* Every minimiser of S arises in this way. *)
Theorem every_mode_minimiser s : mode_minimiser M N tau Lam s ->
  exists x, minimiser M (beta_of M N tau Lam) x /\ s = tau * fit M x.
Proof.
intros [s0 hs]; destruct (some_scaled s s0) as [x [x0 [le eq]]].
assert (q0 : 0 < tau ^ 2 / (2 * N)) by (apply Rdiv_lt_0_compat; nra).
assert (f0 : forall y, 0 <= y -> 0 <= tau * fit M y).
{ intros y y0; apply Rmult_le_pos; [lra|]; pose proof (den_pos M y y0); unfold fit.
  apply Rmult_le_pos; [apply pow_le, y0|apply Rlt_le, Rinv_0_lt_compat; assumption]. }
exists x; split.
- split; [exact x0|]; intros y y0.
  apply Rmult_le_reg_l with (tau ^ 2 / (2 * N)); [exact q0|].
  fold (scaled_cost M N tau Lam x) (scaled_cost M N tau Lam y).
  specialize (hs _ (f0 y y0)); pose proof (below_scaled y y0); lra.
- apply eq; specialize (hs _ (f0 x x0)); pose proof (below_scaled x x0); lra.
Qed.

End Reduction.

(* Larger targets gain at least as much over leaving the mode at 0, so that a*)
(* rank bound keeps the largest targets (NC-04).                             *)
Theorem gain_monotone M N tau tau' Lam x x' : 0 < N -> 0 < tau -> tau <= tau' ->
  minimiser M (beta_of M N tau Lam) x -> minimiser M (beta_of M N tau' Lam) x' ->
  tau ^ 2 / (2 * N) - scaled_cost M N tau Lam x
  <= tau' ^ 2 / (2 * N) - scaled_cost M N tau' Lam x'.
Proof.
intros n0 t0 tt [x0 _] [_ hx'].
assert (q0 : 0 < tau' ^ 2 / (2 * N)) by (apply Rdiv_lt_0_compat; nra).
apply Rle_trans with (tau' ^ 2 / (2 * N) - scaled_cost M N tau' Lam x).
- unfold scaled_cost, cost, beta_of; pose proof (den_pos M x x0) as d.
  assert (i1 : / (1 + x ^ M) <= 1).
  { rewrite <- Rinv_1; apply Rinv_le_contravar; [lra|]; pose proof (pow_le x M x0); lra. }
  set (i := / (1 + x ^ M)) in *; set (P := Rpower (N * Lam) (1 / INR M)).
  replace (tau ^ 2 / (2 * N) * (i + INR M * N * P / tau ^ 2 * x))
    with (tau ^ 2 / (2 * N) * i + INR M * P * x / 2) by (field; lra).
  replace (tau' ^ 2 / (2 * N) * (i + INR M * N * P / tau' ^ 2 * x))
    with (tau' ^ 2 / (2 * N) * i + INR M * P * x / 2) by (field; lra).
  assert (le : tau ^ 2 / (2 * N) <= tau' ^ 2 / (2 * N)).
  { apply Rmult_le_compat_r; [apply Rlt_le, Rinv_0_lt_compat; lra|]; nra. }
  assert (0 <= (tau' ^ 2 / (2 * N) - tau ^ 2 / (2 * N)) * (1 - i)) by (apply Rmult_le_pos; lra).
  lra.
- apply Rplus_le_compat_l, Ropp_le_contravar.
  apply Rmult_le_compat_l; [lra|apply hx', x0].
Qed.

(* The hypotheses can be met: Lambda far above the threshold, minimiser 0. *)
Example reduction_instance :
  (1 <= 1)%nat /\ 0 < 3 /\ 0 < 1 /\ 1 <= 1 /\ minimiser 1 (beta_of 1 3 1 1) 0 /\
  mode_minimiser 1 3 1 1 0.
Proof.
assert (m : minimiser 1 (beta_of 1 3 1 1) 0).
{ split; [lra|]; intros x x0; destruct (Req_dec x 0) as [->|xn]; [lra|].
  apply Rlt_le, above_threshold; [lia| |exact x0|exact xn].
  rewrite beta_c_one; unfold beta_of; simpl INR.
  replace (1 / 1) with 1 by field; rewrite Rpower_1 by lra; lra. }
repeat split; try lia; try lra; try apply m.
intros s s0; pose proof (minimisers_correspond 1 3 1 1 ltac:(lia) ltac:(lra) ltac:(lra) ltac:(lra) 0 m)
  as [[_ H] _].
rewrite fit_zero, Rmult_0_r in H by lia; apply H, s0.
Qed.
