(* Claim AGG-8: for bags of k >= 2 the instance-level loss beats the         *)
(* bag-level loss exactly below the signal-to-noise ratio snr_c (ridgeless,  *)
(* isotropic; the limiting risks are those of AGG-5(iii)).                   *)
(*                                                                           *)
(* g is gamma = d/n, k the bag size (any real k >= 2), p = 1/k, r2 = r^2,    *)
(* s2 = sigma^2 > 0. At k g = 1 and at g = 1 a risk is infinite: the last    *)
(* theorem, in extended reals, includes them.                                *)

From Coq Require Import Reals Lra.
From Coquelicot Require Import Rbar.

Local Open Scope R_scope.

Definition bag_risk_under (g k r2 s2 : R) := s2 * (k * g / (1 - k * g)).
Definition bag_risk_over (g k r2 s2 : R) :=
  r2 * (1 - 1 / (k * g)) + s2 / (k * g - 1).
Definition instance_risk_under (g k r2 s2 : R) :=
  let p := 1 / k in
  r2 * ((1 - p) ^ 2 + g / (1 - g) * (p * (1 - p))) + s2 * (p * g / (1 - g)).
Definition instance_risk_over (g k r2 s2 : R) :=
  let p := 1 / k in
  r2 * (1 - 2 * p / g + p ^ 2 / g + p * (1 - p) / (g - 1)) + s2 * (p / (g - 1)).

Definition snr_c_low (g k : R) :=
  k * g * (k + 1 - k * g) / ((1 - k * g) * (k - 1 - k * g + 2 * g)).
Definition snr_c_mid (g k : R) :=
  let p := 1 / k in
  g * (1 - g - g ^ 2 + p * g)
  / ((g - p) * (1 - 3 * g + 3 * g ^ 2 + p * g * (1 - 2 * g))).

(* An affine comparison: a r2 + b s2 < 0 iff r2 / s2 < - b / a. *)
Lemma affine_sign (a c r2 s2 : R) : 0 < a -> 0 < s2 ->
  r2 * a < s2 * (c * a) <-> r2 / s2 < c.
Proof.
intros a0 s0; split; intro H.
- apply Rmult_lt_reg_r with (s2 * a); [nra|].
  replace (r2 / s2 * (s2 * a)) with (r2 * a) by (field; lra).
  lra.
- apply Rmult_lt_compat_r with (r := s2 * a) in H; [|nra].
  replace (r2 / s2 * (s2 * a)) with (r2 * a) in H by (field; lra).
  lra.
Qed.

Theorem snr_threshold_low g k r2 s2 : 2 <= k -> 0 < g -> k * g < 1 -> 0 < s2 ->
  instance_risk_under g k r2 s2 < bag_risk_under g k r2 s2
  <-> r2 / s2 < snr_c_low g k.
Proof.
intros k2 g0 kg s0.
assert (g1 : g < 1) by nra.
assert (den : 0 < k - 1 - k * g + 2 * g) by nra.
set (a := (1 - 1 / k) ^ 2 + g / (1 - g) * (1 / k * (1 - 1 / k))).
assert (ea : a = (k - 1) * (k - 1 - k * g + 2 * g) / (k ^ 2 * (1 - g)))
  by (unfold a; field; lra).
assert (a0 : 0 < a).
{ rewrite ea; apply Rdiv_lt_0_compat; [nra|].
  apply Rmult_lt_0_compat; [apply pow_lt|]; lra. }
rewrite <- (affine_sign a _ r2 s2 a0 s0).
replace (snr_c_low g k * a) with (k * g / (1 - k * g) - 1 / k * g / (1 - g)).
- unfold instance_risk_under, bag_risk_under; fold a; lra.
- unfold snr_c_low; rewrite ea; field; repeat split; lra.
Qed.

Theorem snr_threshold_mid g k r2 s2 :
  2 <= k -> 1 < k * g -> g < 1 -> 0 <= r2 -> 0 < s2 ->
  instance_risk_under g k r2 s2 < bag_risk_over g k r2 s2
  <-> r2 / s2 < Rmax 0 (snr_c_mid g k).
Proof.
intros k2 kg g1 r0 s0.
assert (g0 : 0 < g) by nra.
assert (p0 : 0 < 1 / k) by (apply Rdiv_lt_0_compat; lra).
assert (p12 : 1 / k <= 1 / 2).
{ apply Rmult_le_reg_r with (2 * k); [lra|]. field_simplify; lra. }
assert (pg : 1 / k < g).
{ apply Rmult_lt_reg_r with k; [lra|]. field_simplify; lra. }
assert (kp : k = / (1 / k)) by (field; lra).
revert p0 p12 pg kp; set (p := 1 / k); intros.
assert (den : 0 < 1 - 3 * g + 3 * g ^ 2 + p * g * (1 - 2 * g)).
{ destruct (Rle_lt_dec g (1 / 2)); [|].
  - assert (0 <= p * g * (1 - 2 * g)) by (apply Rmult_le_pos; nra). nra.
  - assert (0 <= (1 / 2 - p) * g * (2 * g - 1)).
    { apply Rmult_le_pos; [apply Rmult_le_pos|]; lra. }
    nra. }
set (a := (1 - p) ^ 2 + g / (1 - g) * (p * (1 - p)) - (1 - p / g)).
assert (ea : a = p * (1 - 3 * g + 3 * g ^ 2 + p * g * (1 - 2 * g))
                 / (g * (1 - g))) by (unfold a; field; lra).
assert (a0 : 0 < a).
{ rewrite ea; apply Rdiv_lt_0_compat; apply Rmult_lt_0_compat; lra. }
assert (main : instance_risk_under g k r2 s2 < bag_risk_over g k r2 s2
               <-> r2 / s2 < snr_c_mid g k).
{ rewrite <- (affine_sign a _ r2 s2 a0 s0).
  replace (snr_c_mid g k * a) with (p / (g - p) - p * g / (1 - g)).
  - unfold instance_risk_under, bag_risk_over; fold p.
    replace (1 / (k * g)) with (p / g) by (unfold p; field; lra).
    replace (s2 / (k * g - 1)) with (s2 * (p / (g - p))).
    + unfold a; lra.
    + rewrite kp; field; repeat split; lra.
  - unfold snr_c_mid; fold p; rewrite ea; field; repeat split; lra. }
rewrite main; unfold Rmax; destruct (Rle_dec 0 (snr_c_mid g k)); [tauto|].
split; intro H; [lra|].
assert (0 <= r2 / s2) by (apply Rmult_le_pos; [lra|];
  apply Rlt_le, Rinv_0_lt_compat, s0); lra.
Qed.

Theorem bag_wins_over g k r2 s2 : 2 <= k -> 1 < g -> 0 <= r2 -> 0 < s2 ->
  bag_risk_over g k r2 s2 < instance_risk_over g k r2 s2.
Proof.
intros k2 g1 r0 s0.
assert (p0 : 0 < 1 / k) by (apply Rdiv_lt_0_compat; lra).
assert (p12 : 1 / k <= 1 / 2).
{ apply Rmult_le_reg_r with (2 * k); [lra|]. field_simplify; lra. }
assert (kp : k = / (1 / k)) by (field; lra).
assert (kg : 1 < k * g) by nra.
unfold bag_risk_over, instance_risk_over; cbv zeta.
revert p0 p12 kp; set (p := 1 / k); intros.
replace (1 / (k * g)) with (p / g) by (unfold p; field; lra).
replace (s2 / (k * g - 1)) with (s2 * (p / (g - p)))
  by (rewrite kp; field; repeat split; lra).
apply Rminus_gt_0_lt.
replace (_ - _) with
  (r2 * (p * (1 - p) / (g * (g - 1))) + s2 * (p * (1 - p) / ((g - 1) * (g - p))))
  by (field; lra).
apply Rplus_le_lt_0_compat.
- apply Rmult_le_pos; [lra|]; apply Rlt_le, Rdiv_lt_0_compat; nra.
- apply Rmult_lt_0_compat; [lra|]; apply Rdiv_lt_0_compat; nra.
Qed.

(* ---- the whole phase diagram, infinities included ----------------------- *)

(* The risks as extended reals: bag level is infinite at k g = 1, instance   *)
(* level at g = 1.                                                           *)
Definition bag_risk (g k r2 s2 : R) : Rbar :=
  match total_order_T (k * g) 1 with
  | inleft (left _) => bag_risk_under g k r2 s2
  | inleft (right _) => p_infty
  | inright _ => bag_risk_over g k r2 s2
  end.
Definition instance_risk (g k r2 s2 : R) : Rbar :=
  match total_order_T g 1 with
  | inleft (left _) => instance_risk_under g k r2 s2
  | inleft (right _) => p_infty
  | inright _ => instance_risk_over g k r2 s2
  end.
Definition snr_c (g k : R) : Rbar :=
  match total_order_T (k * g) 1 with
  | inleft (left _) => snr_c_low g k
  | inleft (right _) => p_infty
  | inright _ => if Rlt_dec g 1 then Rmax 0 (snr_c_mid g k) else 0
  end.

Theorem snr_phase_diagram g k r2 s2 : 2 <= k -> 0 < g -> 0 <= r2 -> 0 < s2 ->
  Rbar_lt (instance_risk g k r2 s2) (bag_risk g k r2 s2)
  <-> Rbar_lt (r2 / s2) (snr_c g k).
Proof.
intros k2 g0 r0 s0.
assert (snr0 : 0 <= r2 / s2)
  by (apply Rmult_le_pos; [|apply Rlt_le, Rinv_0_lt_compat]; lra).
unfold instance_risk, bag_risk, snr_c.
destruct (total_order_T (k * g) 1) as [[kg|kg]|kg].
- destruct (total_order_T g 1) as [[g1|g1]|g1]; [|nra|nra].
  apply snr_threshold_low; assumption.
- destruct (total_order_T g 1) as [[g1|g1]|g1]; [simpl; tauto|nra|nra].
- destruct (total_order_T g 1) as [[g1|g1]|g1]; destruct (Rlt_dec g 1); try lra.
  + apply snr_threshold_mid; lra.
  + simpl; split; [tauto|lra].
  + pose proof (bag_wins_over g k r2 s2 k2 g1 r0 s0); simpl; lra.
Qed.

(* The hypotheses can be met, with the reference values of the specification:*)
(* snr_c(.1, 2) = .7 and snr_c(.5, 4) = 3; and every threshold for g > 1 is 0.*)
Example snr_reference :
  2 <= 2 /\ 2 * (1 / 10) < 1 /\ snr_c_low (1 / 10) 2 = 7 / 10 /\
  1 < 4 * (1 / 2) /\ snr_c_mid (1 / 2) 4 = 3.
Proof. unfold snr_c_low, snr_c_mid; repeat split; try field; lra. Qed.

Example over_instance : 2 <= 3 /\ 1 < 5 / 4 /\ 0 <= 1 /\ 0 < 1 / 2.
Proof. lra. Qed.
