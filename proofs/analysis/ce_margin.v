(* Claims NC-12 and NC-18: the scalar problems of balanced cross-entropy with*)
(* one layer and of cross-entropy with nonnegative features.                 *)
(*                                                                           *)
(* Both are min over m >= 0 of log(1 + (K-1) e^(-m)) + c m with a price c > 0*)
(* of the margin m; K >= 2 classes. The minimiser is                         *)
(*   max(0, log((K-1) (1/c - 1))),                                           *)
(* where a logarithm of a number <= 0 counts as 0 (so does Coq's ln).        *)

From Coq Require Import Reals Lra Lia.

Local Open Scope R_scope.

Definition margin_cost (K : nat) (c m : R) := ln (1 + (INR K - 1) * exp (- m)) + c * m.
Definition best_margin (K : nat) (c : R) := Rmax 0 (ln ((INR K - 1) * (/ c - 1))).

(* log((1-q) + q e^(-d)) lies above its tangent -q d. *)
Lemma tangent q d : 0 < q < 1 -> d <> 0 -> 0 < ln (1 - q + q * exp (- d)) + q * d.
Proof.
intros q01 d0; pose proof (exp_pos (- d)) as e0.
assert (p : 0 < 1 - q + q * exp (- d)) by (assert (0 < q * exp (- d)) by nra; lra).
rewrite <- (ln_exp (q * d)), <- ln_mult by (exact p || apply exp_pos).
rewrite <- ln_1; apply ln_increasing; [lra|].
replace ((1 - q + q * exp (- d)) * exp (q * d))
  with ((1 - q) * exp (q * d) + q * exp (- ((1 - q) * d))).
- assert (1 + q * d < exp (q * d)) by (apply exp_ineq1; nra).
  assert (1 + - ((1 - q) * d) < exp (- ((1 - q) * d))) by (apply exp_ineq1; nra).
  nra.
- rewrite Rmult_plus_distr_r, Rmult_assoc, <- exp_plus.
  replace (- d + q * d) with (- ((1 - q) * d)) by ring; reflexivity.
Qed.

Lemma ln_nonpositive x : x <= 0 -> ln x = 0.
Proof. intro H; unfold ln; destruct (Rlt_dec 0 x); [exfalso; lra|reflexivity]. Qed.

Section Margin.

Variables (K : nat) (c : R).
Hypotheses (K2 : (2 <= K)%nat) (c0 : 0 < c).

Let A := INR K - 1.

Lemma A_ge_one : 1 <= A.
Proof. unfold A; pose proof (le_INR 2 K K2) as k2; simpl in k2; lra. Qed.

(* e^m* >= (K-1)(1/c - 1), with equality unless m* = 0. *)
Lemma best_margin_exp : 0 <= best_margin K c /\
  (best_margin K c = 0 /\ A * (/ c - 1) <= 1 \/
   0 < best_margin K c /\ exp (best_margin K c) = A * (/ c - 1)).
Proof.
unfold best_margin; fold A; set (x := A * (/ c - 1)).
split; [apply Rmax_l|]; destruct (Rle_lt_dec x 1) as [x1|x1]; [left|right].
- split; [|exact x1]; apply Rmax_left.
  destruct (Rle_lt_dec x 0) as [x0|x0]; [rewrite ln_nonpositive; lra|].
  rewrite <- ln_1; destruct x1 as [l| ->]; [left; apply ln_increasing; assumption|lra].
- assert (0 < ln x) by (rewrite <- ln_1; apply ln_increasing; lra).
  rewrite Rmax_right by lra; split; [assumption|apply exp_ln; lra].
Qed.

Theorem best_margin_optimal m : 0 <= m -> m <> best_margin K c ->
  margin_cost K c (best_margin K c) < margin_cost K c m.
Proof.
intros m0 ne; pose proof A_ge_one as A1; unfold margin_cost; fold A.
destruct best_margin_exp as [s0 cases]; set (s := best_margin K c) in *.
set (d := m - s); assert (d0 : d <> 0) by (unfold d; lra).
pose proof (exp_pos (- s)) as e0; pose proof (exp_pos s) as es0.
assert (es : exp s * exp (- s) = 1) by (rewrite <- exp_plus, Rplus_opp_r; apply exp_0).
set (q := A * exp (- s) / (1 + A * exp (- s))).
assert (Ae : 0 < A * exp (- s)) by (apply Rmult_lt_0_compat; lra).
assert (q01 : 0 < q < 1).
{ unfold q; split; [apply Rdiv_lt_0_compat; lra|].
  apply Rmult_lt_reg_r with (1 + A * exp (- s)); [lra|].
  replace (A * exp (- s) / (1 + A * exp (- s)) * (1 + A * exp (- s))) with (A * exp (- s))
    by (field; lra); lra. }
pose proof (tangent q d q01 d0) as t.
assert (p : 0 < 1 - q + q * exp (- d)) by (pose proof (exp_pos (- d)); nra).
(* the price c is the slope q at s, or at least q if s = 0 *)
assert (qd : q * d <= c * d).
{ destruct cases as [[z le]|[sp e]].
  - assert (dm : 0 <= d) by (unfold d; rewrite z; lra).
    apply Rmult_le_compat_r; [exact dm|].
    unfold q; rewrite z, Ropp_0, exp_0, Rmult_1_r.
    apply Rmult_le_reg_r with (1 + A); [lra|].
    replace (A / (1 + A) * (1 + A)) with A by (field; lra).
    apply Rmult_le_compat_l with (r := c) in le; [|lra].
    replace (c * (A * (/ c - 1))) with (A - c * A) in le by (field; lra); lra.
  - right; f_equal; unfold q.
    assert (f : A * exp (- s) * (/ c - 1) = 1).
    { transitivity (exp s * exp (- s)); [rewrite e; ring|exact es]. }
    set (y := A * exp (- s)) in *.
    assert (ci : / c = (1 + y) / y).
    { apply Rmult_eq_reg_l with y; [|lra].
      replace (y * ((1 + y) / y)) with (1 + y) by (field; lra); lra. }
    rewrite <- (Rinv_inv c), ci; field; split; lra. }
assert (split : ln (1 + A * exp (- m)) = ln (1 + A * exp (- s)) + ln (1 - q + q * exp (- d))).
{ rewrite <- ln_mult by lra; f_equal.
  replace (- m) with (- s + - d) by (unfold d; ring); rewrite exp_plus.
  unfold q; field; lra. }
rewrite split; unfold d in *; lra.
Qed.

(* The margin is positive iff c < (K-1)/K. *)
Theorem best_margin_positive_iff : 0 < best_margin K c <-> INR K * c < INR K - 1.
Proof.
pose proof A_ge_one as A1; fold A.
assert (e : c * (A * (/ c - 1)) = A - c * A) by (field; lra).
assert (kA : INR K = 1 + A) by (unfold A; ring); rewrite kA.
destruct best_margin_exp as [s0 [[z le]|[sp ex]]].
- rewrite z; split; intro H; [lra|].
  apply Rmult_le_compat_l with (r := c) in le; lra.
- split; intro H; [|exact sp].
  assert (g1 : 1 < A * (/ c - 1)).
  { rewrite <- ex, <- exp_0; apply exp_increasing, sp. }
  apply Rmult_lt_compat_l with (r := c) in g1; lra.
Qed.

End Margin.

(* ---- NC-12 -------------------------------------------------------------- *)

(* f(m) = log(1 + (K-1) e^(-m)) + lam (K-1) sqrt n m over m >= 0. *)
Theorem balanced_margin K n lam : (2 <= K)%nat -> 0 < n -> 0 < lam ->
  let f m := ln (1 + (INR K - 1) * exp (- m)) + lam * (INR K - 1) * sqrt n * m in
  let m := Rmax 0 (ln (1 / (lam * sqrt n) - INR K + 1)) in
  0 <= m /\ (forall m', 0 <= m' -> m' <> m -> f m < f m') /\
  (0 < m <-> INR K * lam * sqrt n < 1).
Proof.
intros K2 n0 lam0 f m.
assert (q0 : 0 < sqrt n) by (apply sqrt_lt_R0, n0).
assert (k1 : 1 < INR K) by (pose proof (le_INR 2 K K2) as k2; simpl in k2; lra).
set (c := lam * (INR K - 1) * sqrt n).
assert (l0 : 0 < lam * sqrt n) by (apply Rmult_lt_0_compat; assumption).
assert (c0 : 0 < c) by (unfold c; replace (lam * (INR K - 1) * sqrt n)
  with ((INR K - 1) * (lam * sqrt n)) by ring; apply Rmult_lt_0_compat; lra).
assert (em : m = best_margin K c).
{ unfold m, best_margin, c; f_equal; f_equal; field; repeat split; lra. }
rewrite em; split; [apply Rmax_l|split].
- intros m' m0 ne; apply (best_margin_optimal K c K2 c0 m' m0 ne).
- rewrite best_margin_positive_iff by assumption.
  assert (e : INR K - 1 - INR K * c = (INR K - 1) * (1 - INR K * lam * sqrt n))
    by (unfold c; ring).
  split; intro H; nra.
Qed.

(* ---- NC-18 -------------------------------------------------------------- *)

(* Class k with n samples: (n/N) log(1 + (K-1) e^(-m)) + lam m sqrt(n (K-1)/K).*)
Theorem nonnegative_margin K N n lam : (2 <= K)%nat -> 0 < N -> 0 < n -> 0 < lam ->
  let f m := n / N * ln (1 + (INR K - 1) * exp (- m))
             + lam * m * sqrt (n * ((INR K - 1) / INR K)) in
  let rho := sqrt n / (N * lam) * sqrt (INR K / (INR K - 1)) in
  let m := Rmax 0 (ln ((INR K - 1) * (rho - 1))) in
  0 <= m /\ (forall m', 0 <= m' -> m' <> m -> f m < f m') /\
  (m = 0 <-> (INR K - 1) * (rho - 1) <= 1).
Proof.
intros K2 N0 n0 lam0 f rho m.
assert (k1 : 1 < INR K) by (pose proof (le_INR 2 K K2) as k2; simpl in k2; lra).
assert (q0 : 0 < (INR K - 1) / INR K) by (apply Rdiv_lt_0_compat; lra).
set (x := sqrt n); assert (x0 : 0 < x) by (apply sqrt_lt_R0, n0).
set (y := sqrt ((INR K - 1) / INR K)); assert (y0 : 0 < y) by (apply sqrt_lt_R0, q0).
assert (xx : x * x = n) by (apply sqrt_sqrt; lra).
assert (yi : sqrt (INR K / (INR K - 1)) = / y).
{ unfold y; rewrite <- sqrt_inv; f_equal; field; lra. }
set (c := / rho).
assert (r0 : 0 < rho).
{ unfold rho; rewrite yi; apply Rmult_lt_0_compat; [|apply Rinv_0_lt_compat, y0].
  apply Rdiv_lt_0_compat; [exact x0|nra]. }
assert (c0 : 0 < c) by (apply Rinv_0_lt_compat, r0).
assert (em : m = best_margin K c) by (unfold m, best_margin, c; rewrite Rinv_inv; reflexivity).
assert (ef : forall m', f m' = n / N * margin_cost K c m').
{ intro m'; unfold f, margin_cost, c, rho; rewrite yi, sqrt_mult by lra; fold x y.
  rewrite <- xx; field; lra. }
split; [apply Rmax_l|split].
- intros m' m0 ne; rewrite !ef; apply Rmult_lt_compat_l; [apply Rdiv_lt_0_compat; lra|].
  rewrite em in *; apply best_margin_optimal; assumption.
- pose proof (best_margin_exp K c) as [_ cases]; rewrite <- em in cases.
  unfold c in cases; rewrite Rinv_inv in cases.
  destruct cases as [[z le]|[sp ex]]; split; intro H; try assumption; [lra|exfalso].
  assert (1 < exp m) by (rewrite <- exp_0; apply exp_increasing, sp); lra.
Qed.

(* The hypotheses can be met; at K = 5, c = 4/21 the best margin is log 17,  *)
(* and in the form of NC-12 lam sqrt n = 1/21.                               *)
Example margin_instance :
  (2 <= 5)%nat /\ 0 < 4 / 21 /\ best_margin 5 (4 / 21) = ln 17 /\ 0 < 4 /\ 0 < 1 / 42.
Proof.
repeat split; try lia; try lra.
unfold best_margin; replace ((INR 5 - 1) * (/ (4 / 21) - 1)) with 17 by (simpl; field).
apply Rmax_right; rewrite <- ln_1; left; apply ln_increasing; lra.
Qed.
