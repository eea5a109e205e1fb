(* Claim AGG-10(b), (c): the limiting risk of the Bayes-optimal (bag-level)  *)
(* ridge on isotropic data is the only nonnegative solution of its fixed     *)
(* point equation, and it strictly increases with the bag size k at every    *)
(* privacy level kappa >= 0, so that k = 1 is always best.                   *)
(*                                                                           *)
(* g is gamma = d/n > 0, r2 = r^2 > 0, s2 = sigma^2 >= 0, kap = kappa >= 0,  *)
(* k any positive real. The label noise of the means is s = s2 + kap / k. If *)
(* s2 = kap = 0 there is no noise at all and the risk is 0 as long as        *)
(* k g <= 1: the strict statements need s2 + kap > 0.                        *)

From Coq Require Import Reals Lra.

Local Open Scope R_scope.

(* The noise of a bag label, and the closed form of AGG-10(b). *)
Definition bag_noise (s2 kap k : R) := s2 + kap / k.
Definition bayes_risk (g r2 s2 kap k : R) :=
  let s := bag_noise s2 kap k in
  let b := s + r2 / (k * g) - r2 in
  / 2 * (- b + sqrt (b ^ 2 + 4 * r2 * s)).

(* The fixed point equation of (b), and the form in which (c) prints it. *)
Definition bayes_equation (g r2 s2 kap k x : R) :=
  x = r2 / (1 + r2 / (k * g) * (1 / (bag_noise s2 kap k + x))).
Definition private_equation (g r2 s2 kap k x : R) :=
  x = r2 / (1 + r2 / g * (1 / (k * (s2 + x) + kap))).

(* The equation without fractions. *)
Definition cleared (g r2 s2 kap k x : R) :=
  (x - r2) * (k * (x + s2) + kap) + r2 / g * x.

Section BayesRidge.

Variables g r2 s2 kap : R.
Hypotheses (g0 : 0 < g) (r0 : 0 < r2) (s0 : 0 <= s2) (kap0 : 0 <= kap).
Hypothesis noise0 : 0 < s2 + kap.

Lemma bag_noise_pos k : 0 < k -> 0 < bag_noise s2 kap k.
Proof.
intro k0; unfold bag_noise, Rdiv.
assert (0 < / k) by (apply Rinv_0_lt_compat, k0).
destruct (Rle_lt_or_eq_dec _ _ s0) as [?|e]; [|rewrite <- e in *].
- assert (0 <= kap * / k) by (apply Rmult_le_pos; lra); lra.
- assert (0 < kap * / k) by (apply Rmult_lt_0_compat; lra); lra.
Qed.

Lemma ratio_pos : 0 < r2 / g.
Proof. apply Rdiv_lt_0_compat; lra. Qed.

Lemma private_noise_pos k x : 0 < k -> 0 <= x -> 0 < k * (s2 + x) + kap.
Proof.
intros k0 x0.
replace (k * (s2 + x) + kap) with (k * (bag_noise s2 kap k + x))
  by (unfold bag_noise; field; lra).
pose proof (bag_noise_pos k k0); apply Rmult_lt_0_compat; lra.
Qed.

Lemma private_cleared k x : 0 < k -> 0 <= x ->
  private_equation g r2 s2 kap k x <-> cleared g r2 s2 kap k x = 0.
Proof.
intros k0 x0; unfold private_equation, cleared.
pose proof (private_noise_pos k x k0 x0) as n0; pose proof ratio_pos as q0.
set (n := k * (s2 + x) + kap) in *.
assert (d0 : 0 < n + r2 / g) by lra.
replace (r2 / (1 + r2 / g * (1 / n))) with (r2 * n / (n + r2 / g))
  by (field; repeat split; nra).
replace (k * (x + s2) + kap) with n by (unfold n; ring).
split; intro H.
- assert (e : x * (n + r2 / g) = r2 * n) by (rewrite H at 1; field; nra).
  lra.
- apply Rmult_eq_reg_r with (n + r2 / g); [|lra].
  replace (r2 * n / (n + r2 / g) * (n + r2 / g)) with (r2 * n) by (field; nra).
  lra.
Qed.

(* The two printed forms are the same equation. *)
Theorem equations_agree k x : 0 < k -> 0 <= x ->
  bayes_equation g r2 s2 kap k x <-> private_equation g r2 s2 kap k x.
Proof.
intros k0 x0; unfold bayes_equation, private_equation.
pose proof (private_noise_pos k x k0 x0); pose proof (bag_noise_pos k k0).
replace (r2 / (k * g) * (1 / (bag_noise s2 kap k + x)))
  with (r2 / g * (1 / (k * (s2 + x) + kap))); [tauto|].
replace (k * (s2 + x) + kap) with (k * (bag_noise s2 kap k + x))
  by (unfold bag_noise; field; lra).
field; repeat split; lra.
Qed.

(* The closed form solves it, between 0 and r2. *)
Lemma bayes_risk_root k : 0 < k ->
  0 < bayes_risk g r2 s2 kap k /\ cleared g r2 s2 kap k (bayes_risk g r2 s2 kap k) = 0.
Proof.
intro k0; pose proof (bag_noise_pos k k0) as n0.
unfold bayes_risk, cleared; cbv zeta.
replace (k * _ + kap) with (k * (/ 2 * (- (bag_noise s2 kap k + r2 / (k * g) - r2)
  + sqrt ((bag_noise s2 kap k + r2 / (k * g) - r2) ^ 2 + 4 * r2 * bag_noise s2 kap k))
  + bag_noise s2 kap k)) by (unfold bag_noise; field; lra).
replace (r2 / g) with (k * (r2 / (k * g))) by (field; lra).
set (q := r2 / (k * g)); set (s := bag_noise s2 kap k) in *.
set (b := s + q - r2).
assert (d0 : 0 < b ^ 2 + 4 * r2 * s) by nra.
pose proof (sqrt_sqrt _ (Rlt_le _ _ d0)) as sq.
pose proof (sqrt_lt_R0 _ d0) as w0.
set (w := sqrt (b ^ 2 + 4 * r2 * s)) in *.
split.
- assert (b < w) by nra; lra.
- assert (e : q = b - s + r2) by (unfold b; ring); rewrite e; nra.
Qed.

Lemma cleared_below k x : 0 < k -> 0 <= x -> cleared g r2 s2 kap k x = 0 -> x < r2.
Proof.
intros k0 x0 e; destruct (Rlt_le_dec x r2) as [?|H]; [assumption|exfalso].
unfold cleared in e; pose proof (private_noise_pos k x k0 x0); pose proof ratio_pos.
assert (0 <= (x - r2) * (k * (x + s2) + kap)) by (apply Rmult_le_pos; lra).
assert (0 < r2 / g * x) by (apply Rmult_lt_0_compat; lra).
lra.
Qed.

(* Left of the positive root the cleared equation is negative, and only there.*)
Lemma cleared_sign k x y : 0 < k -> 0 <= x -> 0 < y -> cleared g r2 s2 kap k y = 0 ->
  exists c, 0 < c /\ cleared g r2 s2 kap k x = (x - y) * c.
Proof.
intros k0 x0 y0 e.
pose proof (private_noise_pos k 0 k0 (Rle_refl 0)) as n0.
rewrite Rplus_0_r in n0.
exists (k * (x + y + s2 - r2) + kap + r2 / g); split.
- assert (f : y * (k * (y + s2 - r2) + kap + r2 / g) = r2 * (k * s2 + kap))
    by (unfold cleared in e; lra).
  assert (0 < k * (y + s2 - r2) + kap + r2 / g).
  { apply Rmult_lt_reg_l with y; [exact y0|]; rewrite f, Rmult_0_r.
    apply Rmult_lt_0_compat; lra. }
  assert (0 <= k * x) by (apply Rmult_le_pos; lra); lra.
- rewrite <- (Rminus_0_r (cleared _ _ _ _ _ x)), <- e; unfold cleared; ring.
Qed.

(* (b): the closed form is the only nonnegative solution. *)
Theorem bayes_risk_fixed_point k x : 0 < k -> 0 <= x ->
  bayes_equation g r2 s2 kap k x <-> x = bayes_risk g r2 s2 kap k.
Proof.
intros k0 x0; rewrite equations_agree, private_cleared by assumption.
destruct (bayes_risk_root k k0) as [y0 ey].
split; intro H; [|rewrite H; exact ey].
destruct (cleared_sign k x _ k0 x0 y0 ey) as [c [c0 ec]].
rewrite H in ec; symmetry in ec.
destruct (Rmult_integral _ _ ec); lra.
Qed.

Theorem bayes_risk_bounds k : 0 < k -> 0 < bayes_risk g r2 s2 kap k < r2.
Proof.
intro k0; destruct (bayes_risk_root k k0) as [y0 e]; split; [exact y0|].
apply (cleared_below k); [exact k0|lra|exact e].
Qed.

(* (c): strictly increasing in the bag size, at any privacy level. *)
Theorem bayes_risk_increasing k k' : 0 < k -> k < k' ->
  bayes_risk g r2 s2 kap k < bayes_risk g r2 s2 kap k'.
Proof.
intros k0 kk.
destruct (bayes_risk_root k k0) as [x0 ex].
destruct (bayes_risk_root k') as [y0 ey]; [lra|].
pose proof (cleared_below k _ k0 (Rlt_le _ _ x0) ex) as xr.
set (x := bayes_risk g r2 s2 kap k) in *; set (y := bayes_risk g r2 s2 kap k') in *.
destruct (cleared_sign k' x y) as [c [c0 ec]]; [lra|lra|exact y0|exact ey|].
assert (neg : cleared g r2 s2 kap k' x < 0).
{ replace (cleared g r2 s2 kap k' x)
    with (cleared g r2 s2 kap k x - (r2 - x) * ((k' - k) * (x + s2)))
    by (unfold cleared; ring).
  assert (0 < (r2 - x) * ((k' - k) * (x + s2)))
    by (repeat apply Rmult_lt_0_compat; lra).
  lra. }
rewrite ec in neg; nra.
Qed.

Corollary singleton_bags_are_best k : 1 < k ->
  bayes_risk g r2 s2 kap 1 < bayes_risk g r2 s2 kap k.
Proof. intro k1; apply bayes_risk_increasing; lra. Qed.

End BayesRidge.

(* The hypotheses can be met; reference value R(gamma = 1/2, k = 2, r2 = 2,  *)
(* s2 = 1) = 1 of the specification.                                         *)
Example bayes_reference :
  0 < 1 / 2 /\ 0 < 2 /\ 0 <= 1 /\ 0 <= 0 /\ 0 < 1 + 0 /\ bayes_risk (1 / 2) 2 1 0 2 = 1.
Proof.
unfold bayes_risk, bag_noise; repeat split; try lra; cbv zeta.
replace (_ + 4 * 2 * _) with (3 * 3) by field.
rewrite sqrt_square by lra; field.
Qed.
