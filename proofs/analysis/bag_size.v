(* Claims AGG-9 and AGG-11: the optimal bag size of the instance-level loss  *)
(* (ridgeless, isotropic, gamma < 1), without and with label privacy, and    *)
(* the bag-level risk, which only grows with k.                              *)
(*                                                                           *)
(* g is gamma, r2 = r^2, s2 = sigma^2, kap = kappa >= 0 (AGG-9: kappa = 0),  *)
(* k >= 1 a real bag size, p = 1/k. The limiting risks are those of          *)
(* AGG-5(iii) with the label noise sigma^2 + kappa / k.                      *)

From Coq Require Import Reals Lra Lia.
From SolvableAnalysis Require Import snr_threshold.

Local Open Scope R_scope.

Definition noisy_risk (g r2 s2 kap k : R) := instance_risk_under g k r2 (s2 + kap / k).
Definition noisy_bag_risk (g r2 s2 kap k : R) := bag_risk_under g k r2 (s2 + kap / k).
Definition curvature (g r2 kap : R) := r2 * (1 - 2 * g) + g * kap.
Definition slope (g r2 s2 : R) := 2 * r2 * (1 - g) - g * (r2 + s2).
Definition k_star (g r2 s2 kap : R) := Rmax 1 (2 * curvature g r2 kap / slope g r2 s2).

(* The risk is quadratic in p = 1/k. *)
Lemma risk_quadratic g r2 s2 kap k : g < 1 -> 0 < k ->
  noisy_risk g r2 s2 kap k =
  r2 + (curvature g r2 kap * / k - slope g r2 s2) * / k / (1 - g).
Proof.
intros g1 k0; unfold noisy_risk, instance_risk_under, curvature, slope; field; lra.
Qed.

Lemma risk_difference g r2 s2 kap k l : g < 1 -> 0 < k -> 0 < l ->
  noisy_risk g r2 s2 kap k - noisy_risk g r2 s2 kap l =
  (/ k - / l) * (curvature g r2 kap * (/ k + / l) - slope g r2 s2) / (1 - g).
Proof. intros g1 k0 l0; rewrite !risk_quadratic by lra; field; lra. Qed.

Lemma inv_lt k l : 0 < k -> k < l -> / l < / k.
Proof. intros k0 kl; apply Rinv_lt_contravar; [apply Rmult_lt_0_compat|]; lra. Qed.

Lemma inv_le k l : 0 < k -> k <= l -> / l <= / k.
Proof. intros k0 kl; apply Rinv_le_contravar; assumption. Qed.

Lemma inv_pos k : 1 <= k -> 0 < / k <= 1.
Proof.
intro k1; split; [apply Rinv_0_lt_compat; lra|].
rewrite <- Rinv_1; apply inv_le; lra.
Qed.

Section Instance.

Variables g r2 s2 kap : R.
Hypotheses (g0 : 0 < g) (g1 : g < 1).

Let Q := curvature g r2 kap.
Let D := slope g r2 s2.
Let risk := noisy_risk g r2 s2 kap.

(* Convex case: left of k_star the risk falls, right of it it rises. *)
Lemma risk_falls k l : 0 < Q -> 0 < D -> 1 <= k -> k < l -> l <= k_star g r2 s2 kap ->
  risk l < risk k.
Proof.
intros Q0 D0 k1 kl ls.
assert (l2 : l <= 2 * Q / D).
{ unfold k_star in ls; fold Q D in ls; unfold Rmax in ls.
  destruct (Rle_dec 1 (2 * Q / D)); lra. }
assert (dl : D * l <= 2 * Q).
{ replace (2 * Q) with (2 * Q / D * D) by (field; lra); nra. }
pose proof (risk_difference g r2 s2 kap k l g1 ltac:(lra) ltac:(lra)) as e.
fold Q D risk in e; pose proof (inv_lt k l ltac:(lra) kl) as ik.
assert (il : 0 < / l) by (apply Rinv_0_lt_compat; lra).
assert (D <= 2 * Q * / l).
{ apply Rmult_le_reg_r with l; [lra|].
  replace (2 * Q * / l * l) with (2 * Q) by (field; lra); exact dl. }
assert (0 < (/ k - / l) * (Q * (/ k + / l) - D)) by (apply Rmult_lt_0_compat; nra).
cut (0 < risk k - risk l); [lra|]; rewrite e.
apply Rdiv_lt_0_compat; lra.
Qed.

Lemma risk_rises k l : 0 < Q -> 0 < D -> k_star g r2 s2 kap <= k -> k < l ->
  risk k < risk l.
Proof.
intros Q0 D0 sk kl.
assert (k1 : 1 <= k) by (apply Rle_trans with (2 := sk), Rmax_l).
assert (k2 : 2 * Q / D <= k) by (apply Rle_trans with (2 := sk), Rmax_r).
assert (dk : 2 * Q <= D * k).
{ replace (2 * Q) with (2 * Q / D * D) by (field; lra); nra. }
pose proof (risk_difference g r2 s2 kap k l g1 ltac:(lra) ltac:(lra)) as e.
fold Q D risk in e; pose proof (inv_lt k l ltac:(lra) kl) as ik.
assert (2 * Q * / k <= D).
{ apply Rmult_le_reg_r with k; [lra|].
  replace (2 * Q * / k * k) with (2 * Q) by (field; lra); exact dk. }
assert (0 < (/ k - / l) * (D - Q * (/ k + / l))) by (apply Rmult_lt_0_compat; nra).
cut (0 < risk l - risk k); [lra|].
replace (risk l - risk k) with ((/ k - / l) * (D - Q * (/ k + / l)) / (1 - g)) by lra.
apply Rdiv_lt_0_compat; lra.
Qed.

(* The optimal real bag size is k_star, and it is the only one. *)
Theorem optimal_bag_size k : 0 < Q -> 0 < D -> 1 <= k -> k <> k_star g r2 s2 kap ->
  1 <= k_star g r2 s2 kap /\ risk (k_star g r2 s2 kap) < risk k.
Proof.
intros Q0 D0 k1 ks; assert (s1 : 1 <= k_star g r2 s2 kap) by apply Rmax_l.
split; [exact s1|]; destruct (Rtotal_order k (k_star g r2 s2 kap)) as [l|[e|l]].
- apply risk_falls; assumption || lra.
- contradiction.
- apply risk_rises; assumption || lra.
Qed.

(* The optimal integer is next to k_star. *)
Theorem optimal_integer_bag_size (n j : nat) : 0 < Q -> 0 < D -> (1 <= n)%nat -> (1 <= j)%nat ->
  INR n <= k_star g r2 s2 kap < INR n + 1 ->
  risk (INR n) <= risk (INR j) \/ risk (INR (n + 1)) <= risk (INR j).
Proof.
intros Q0 D0 n1 j1 [lo hi].
assert (jr : 1 <= INR j) by (apply (le_INR 1); exact j1).
destruct (lt_eq_lt_dec j n) as [[jn|jn]|jn].
- left; apply Rlt_le, risk_falls; try assumption; apply lt_INR, jn.
- left; rewrite jn; lra.
- right; destruct (Nat.eq_dec j (n + 1)) as [->|ne]; [lra|].
  apply Rlt_le, risk_rises; try assumption.
  + rewrite plus_INR; simpl; lra.
  + apply lt_INR; lia.
Qed.

Lemma risk_to_r2 eps : 0 < eps -> exists k0, 1 <= k0 /\ forall k, k0 <= k -> Rabs (risk k - r2) < eps.
Proof.
intro e0; set (c := (Rabs Q + Rabs D) / (1 - g)).
assert (c0 : 0 <= c).
{ apply Rmult_le_pos; [pose proof (Rabs_pos Q); pose proof (Rabs_pos D); lra|].
  apply Rlt_le, Rinv_0_lt_compat; lra. }
exists (1 + c / eps); assert (0 <= c / eps)
  by (apply Rmult_le_pos; [|apply Rlt_le, Rinv_0_lt_compat]; lra).
split; [lra|]; intros k kk; unfold risk; rewrite risk_quadratic by lra; fold Q D.
pose proof (inv_pos k ltac:(lra)) as ik.
replace (r2 + (Q * / k - D) * / k / (1 - g) - r2) with (/ k * ((Q * / k - D) / (1 - g)))
  by (field; lra).
rewrite Rabs_mult, (Rabs_right (/ k)) by lra.
assert (b : Rabs ((Q * / k - D) / (1 - g)) <= c).
{ unfold c, Rdiv; rewrite Rabs_mult, (Rabs_right (/ (1 - g)))
    by (apply Rle_ge, Rlt_le, Rinv_0_lt_compat; lra).
  apply Rmult_le_compat_r; [apply Rlt_le, Rinv_0_lt_compat; lra|].
  apply Rle_trans with (1 := Rabs_triang _ _); rewrite Rabs_Ropp.
  apply Rplus_le_compat_r; rewrite Rabs_mult, (Rabs_right (/ k)) by lra.
  pose proof (Rabs_pos Q); nra. }
apply Rle_lt_trans with (/ k * c); [apply Rmult_le_compat_l; lra|].
apply Rmult_lt_reg_l with k; [lra|].
replace (k * (/ k * c)) with c by (field; lra).
assert (c = c / eps * eps) by (field; lra); nra.
Qed.

(* D <= 0: the risk falls for ever towards r2, the risk of predicting 0. *)
Theorem unbounded_bag_size : 0 <= Q -> D <= 0 -> 0 < Q - D ->
  (forall k l, 1 <= k -> k < l -> risk l < risk k) /\
  (forall k, 1 <= k -> r2 < risk k) /\
  (forall eps, 0 < eps -> exists k0, 1 <= k0 /\
     forall k, k0 <= k -> Rabs (risk k - r2) < eps).
Proof.
intros Q0 D0 QD; split; [|split; [|exact risk_to_r2]];
  assert (pos : forall c, 0 < c -> 0 < Q * c - D)
    by (intros c c0; destruct (Req_dec D 0); [nra|assert (0 <= Q * c) by nra; lra]).
- intros k l k1 kl.
  pose proof (risk_difference g r2 s2 kap k l g1 ltac:(lra) ltac:(lra)) as e.
  fold Q D risk in e; pose proof (inv_lt k l ltac:(lra) kl) as ik.
  assert (il : 0 < / l) by (apply Rinv_0_lt_compat; lra).
  cut (0 < risk k - risk l); [lra|]; rewrite e.
  apply Rdiv_lt_0_compat; [apply Rmult_lt_0_compat; [|apply pos]; lra|lra].
- intros k k1; unfold risk; rewrite risk_quadratic by lra; fold Q D.
  pose proof (inv_pos k k1) as ik.
  cut (0 < (Q * / k - D) * / k / (1 - g)); [lra|].
  apply Rdiv_lt_0_compat; [apply Rmult_lt_0_compat; [apply pos|]; lra|lra].
Qed.

End Instance.

(* ---- without privacy ---------------------------------------------------- *)

(* gamma < 1/2: single labels are best iff snr >= 1. *)
Theorem singletons_best_iff g r2 s2 : 0 < g -> g < 1 / 2 -> 0 <= r2 -> 0 < s2 ->
  (forall k, 1 <= k -> noisy_risk g r2 s2 0 1 <= noisy_risk g r2 s2 0 k)
  <-> 1 <= r2 / s2.
Proof.
intros g0 g1 r0 s0.
assert (snr : 1 <= r2 / s2 <-> s2 <= r2).
{ split; intro H.
  - apply Rmult_le_compat_r with (r := s2) in H; [|lra].
    replace (r2 / s2 * s2) with r2 in H by (field; lra); lra.
  - apply Rmult_le_reg_r with s2; [lra|].
    replace (r2 / s2 * s2) with r2 by (field; lra); lra. }
rewrite snr.
assert (diff : forall k, 1 <= k -> noisy_risk g r2 s2 0 k - noisy_risk g r2 s2 0 1
  = (1 - / k) * (slope g r2 s2 - curvature g r2 0 * (/ k + 1)) / (1 - g)).
{ intros k k1; rewrite risk_difference by lra; rewrite Rinv_1; field; lra. }
split.
- intro H; destruct (Rle_lt_dec s2 r2) as [?|l]; [assumption|exfalso].
  (* then larger bags help: k = 1 / (1 - t) for a small t *)
  set (Q := curvature g r2 0) in *; set (D := slope g r2 s2) in *.
  assert (Q0 : 0 <= Q) by (unfold Q, curvature; nra).
  assert (gap : D < 2 * Q) by (unfold D, Q, slope, curvature; nra).
  set (t := (2 * Q - D) / (2 * (2 * Q - D + Q + 1))).
  assert (t0 : 0 < t) by (apply Rdiv_lt_0_compat; lra).
  assert (t1 : t < 1 / 2).
  { apply Rmult_lt_reg_r with (2 * (2 * Q - D + Q + 1)); [lra|].
    unfold t; field_simplify; lra. }
  assert (k1 : 1 <= / (1 - t)) by (rewrite <- Rinv_1 at 1; apply inv_le; lra).
  specialize (H _ k1); specialize (diff _ k1); rewrite Rinv_inv in diff.
  assert (tq : t * Q < 2 * Q - D).
  { apply Rlt_le_trans with (t * (2 * (2 * Q - D + Q + 1))); [nra|].
    right; unfold t; field; lra. }
  assert (0 < (1 - (1 - t)) * (Q * (1 - t + 1) - D) / (1 - g)).
  { apply Rdiv_lt_0_compat; [apply Rmult_lt_0_compat|]; lra. }
  lra.
- intros sr k k1; pose proof (inv_pos k k1) as ik.
  cut (0 <= noisy_risk g r2 s2 0 k - noisy_risk g r2 s2 0 1); [lra|].
  rewrite diff by exact k1; apply Rmult_le_pos; [|apply Rlt_le, Rinv_0_lt_compat; lra].
  apply Rmult_le_pos; [lra|].
  assert (Q0 : 0 <= curvature g r2 0) by (unfold curvature; nra).
  assert (2 * curvature g r2 0 <= slope g r2 s2) by (unfold slope, curvature; nra).
  nra.
Qed.

(* gamma < 1/2: predicting 0 is best iff snr <= gamma / (2 - 3 gamma). *)
Theorem unbounded_iff g r2 s2 : 0 < g -> g < 1 / 2 -> 0 < s2 ->
  slope g r2 s2 <= 0 <-> r2 / s2 <= g / (2 - 3 * g).
Proof.
intros g0 g1 s0.
assert (e : slope g r2 s2 = (r2 / s2 - g / (2 - 3 * g)) * (s2 * (2 - 3 * g)))
  by (unfold slope; field; lra).
assert (0 < s2 * (2 - 3 * g)) by (apply Rmult_lt_0_compat; lra).
rewrite e; split; intro; nra.
Qed.

(* 1/2 <= gamma < 1: either single labels or no labels. *)
Theorem concave_bag_size g r2 s2 : 1 / 2 <= g -> g < 1 -> 0 <= r2 -> 0 < s2 ->
  (g / (1 - g) < r2 / s2 ->
     forall k, 1 < k -> noisy_risk g r2 s2 0 1 < noisy_risk g r2 s2 0 k) /\
  (r2 / s2 <= g / (1 - g) ->
     (forall k, 1 <= k -> r2 <= noisy_risk g r2 s2 0 k) /\
     (forall eps, 0 < eps -> exists k0, 1 <= k0 /\
        forall k, k0 <= k -> Rabs (noisy_risk g r2 s2 0 k - r2) < eps)).
Proof.
intros g0 g1 r0 s0.
assert (one : forall k, 1 <= k -> noisy_risk g r2 s2 0 k
  = / k * (g / (1 - g) * s2) + (1 - / k) * r2
    + / k * (1 - / k) * (r2 * (2 * g - 1) / (1 - g))).
{ intros k k1; rewrite risk_quadratic by lra; unfold curvature, slope; field; lra. }
assert (nn : 0 <= r2 * (2 * g - 1) / (1 - g))
  by (apply Rmult_le_pos; [apply Rmult_le_pos|apply Rlt_le, Rinv_0_lt_compat]; lra).
assert (r2s : r2 / s2 * s2 = r2) by (field; lra).
split; intro H.
- intros k k1; pose proof (inv_pos k ltac:(lra)) as ik.
  assert (ik1 : / k < 1) by (rewrite <- Rinv_1; apply inv_lt; lra).
  rewrite !one, Rinv_1 by lra.
  apply Rmult_lt_compat_r with (r := s2) in H; [|exact s0]; rewrite r2s in H.
  set (c := r2 * (2 * g - 1) / (1 - g)) in *; set (a := g / (1 - g) * s2) in *.
  clearbody c a.
  assert (0 <= / k * (1 - / k) * c) by (repeat apply Rmult_le_pos; lra).
  nra.
- split; [|intros eps e0; apply risk_to_r2; lra].
  intros k k1; pose proof (inv_pos k k1) as ik; rewrite one by exact k1.
  apply Rmult_le_compat_r with (r := s2) in H; [|lra]; rewrite r2s in H.
  set (c := r2 * (2 * g - 1) / (1 - g)) in *; set (a := g / (1 - g) * s2) in *.
  clearbody c a.
  assert (0 <= / k * (1 - / k) * c) by (repeat apply Rmult_le_pos; lra).
  nra.
Qed.

(* ---- bag level ---------------------------------------------------------- *)

Theorem bag_level_increasing g r2 s2 kap k l : 0 < g -> 0 <= s2 -> 0 <= kap -> 0 < s2 + kap ->
  0 < k -> k < l -> l * g < 1 ->
  noisy_bag_risk g r2 s2 kap k < noisy_bag_risk g r2 s2 kap l.
Proof.
intros g0 s0 kap0 sk k0 kl lg; unfold noisy_bag_risk, bag_risk_under.
assert (kg : k * g < 1) by nra.
replace ((s2 + kap / k) * (k * g / (1 - k * g)))
  with (g * (k * s2 + kap) / (1 - k * g)) by (field; lra).
replace ((s2 + kap / l) * (l * g / (1 - l * g)))
  with (g * (l * s2 + kap) / (1 - l * g)) by (field; lra).
apply Rmult_lt_reg_r with ((1 - k * g) * (1 - l * g)); [apply Rmult_lt_0_compat; lra|].
replace (g * (k * s2 + kap) / (1 - k * g) * ((1 - k * g) * (1 - l * g)))
  with (g * ((k * s2 + kap) * (1 - l * g))) by (field; lra).
replace (g * (l * s2 + kap) / (1 - l * g) * ((1 - k * g) * (1 - l * g)))
  with (g * ((l * s2 + kap) * (1 - k * g))) by (field; lra).
apply Rmult_lt_compat_l; [exact g0|].
assert (0 < (l - k) * (s2 + kap * g)).
{ apply Rmult_lt_0_compat; [lra|]; destruct (Req_dec s2 0); nra. }
nra.
Qed.

(* ---- instances: reference values of the specification ------------------- *)

(* k_star(gamma, r2, s2) = k_star(1/5, 1, 2) = 1.2; with T = 3, eps = 1/2 and *)
(* kappa = 8 T^2 / eps^2: k_star(1/10, 1, 1) = 37.                           *)
Example bag_size_reference :
  0 < 1 / 5 /\ 1 / 5 < 1 /\ 0 < curvature (1 / 5) 1 0 /\ 0 < slope (1 / 5) 1 2 /\
  k_star (1 / 5) 1 2 0 = 12 / 10 /\ INR 1 <= k_star (1 / 5) 1 2 0 < INR 1 + 1 /\
  k_star (1 / 10) 1 1 (8 * 3 ^ 2 / (1 / 2) ^ 2) = 37.
Proof.
assert (a : k_star (1 / 5) 1 2 0 = 12 / 10).
{ unfold k_star, curvature, slope; rewrite Rmax_right; [field|].
  apply Rmult_le_reg_r with (2 * 1 * (1 - 1 / 5) - 1 / 5 * (1 + 2)); [lra|].
  field_simplify; lra. }
rewrite a; unfold curvature, slope; simpl INR; repeat split; try lra.
unfold k_star, curvature, slope; rewrite Rmax_right; [field|].
apply Rmult_le_reg_r with (2 * 1 * (1 - 1 / 10) - 1 / 10 * (1 + 1)); [lra|].
field_simplify; lra.
Qed.

Example unbounded_instance :
  0 < 1 / 5 < 1 / 2 /\ 0 <= curvature (1 / 5) 1 0 /\ slope (1 / 5) 1 13 <= 0 /\
  0 < curvature (1 / 5) 1 0 - slope (1 / 5) 1 13 /\
  1 / 2 <= 3 / 5 < 1 /\ 0 < 1 /\ 2 < 3 /\ 3 * (1 / 5) < 1.
Proof. unfold curvature, slope; lra. Qed.
