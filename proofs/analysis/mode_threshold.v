(* Claim NC-03: the scalar problem of one singular direction at every depth. *)
(*                                                                           *)
(* M >= 1 is the number of linear layers (a natural number), beta > 0 the    *)
(* dimensionless regularisation, x >= 0 the unknown:                         *)
(*   g(x) = 1 / (1 + x^M) + beta x,      fit(x) = sigma/tau = x^M / (1 + x^M).*)
(* beta_c = (M-1)^((M-1)/M) / M, where (M-1)^((M-1)/M) = 1 for M = 1.        *)
(* Below beta_c the only minimiser is the largest stationary point, above it *)
(* the only minimiser is 0, and at it, for M >= 2, the two tie: a first-order*)
(* jump of fit from 1 - 1/M to 0. No calculus is needed: for x = a t with a  *)
(* stationary, g(x) - g(a) is a positive factor times                        *)
(*   (a^M - (M-1)) h_M(t) + M t h_(M-1)(t),  h_m(t) = m t^(m+1) - (m+1) t^m + 1.*)

From Coq Require Import Reals Ranalysis5 Lra Lia.

Local Open Scope R_scope.

Definition cost (M : nat) (beta x : R) := / (1 + x ^ M) + beta * x.
Definition fit (M : nat) (x : R) := x ^ M / (1 + x ^ M).
Definition stationary (M : nat) (beta x : R) :=
  beta * (1 + x ^ M) ^ 2 = INR M * x ^ (M - 1).
Definition beta_c (M : nat) :=
  Rpower (INR M - 1) ((INR M - 1) / INR M) / INR M.
(* a is a minimiser; a is the only one. *)
Definition minimiser (M : nat) (beta a : R) :=
  0 <= a /\ forall x, 0 <= x -> cost M beta a <= cost M beta x.
Definition only_minimiser (M : nat) (beta a : R) :=
  0 <= a /\ forall x, 0 <= x -> x <> a -> cost M beta a < cost M beta x.

(* ---- the polynomial h_m ------------------------------------------------- *)

Definition h (m : nat) (t : R) := INR m * t ^ S m - INR (S m) * t ^ m + 1.

Lemma h_step m t : h (S m) t = t * h m t + (t - 1) * (t ^ S m - 1).
Proof. unfold h; rewrite !S_INR; simpl; ring. Qed.

Lemma one_less_pow t m : 1 < t -> 1 < t ^ S m.
Proof.
intro t1; induction m as [|m IH]; [simpl; lra|].
change (1 < t * t ^ S m); nra.
Qed.

Lemma pow_less_one t m : 0 <= t < 1 -> t ^ S m < 1.
Proof.
intro t1; induction m as [|m IH]; [simpl; lra|].
change (t * t ^ S m < 1); assert (0 <= t ^ S m) by (apply pow_le; lra); nra.
Qed.

Lemma h_nonneg m t : 0 <= t -> 0 <= h m t.
Proof.
intro t0; induction m as [|m IH]; [unfold h; simpl; lra|].
rewrite h_step; apply Rplus_le_le_0_compat; [apply Rmult_le_pos; lra|].
destruct (Rtotal_order t 1) as [l|[e|l]].
- pose proof (pow_less_one t m); nra.
- subst t; lra.
- pose proof (one_less_pow t m l); nra.
Qed.

Lemma h_pos m t : 0 <= t -> t <> 1 -> 0 < h (S m) t.
Proof.
intros t0 t1; rewrite h_step; apply Rplus_le_lt_0_compat.
- apply Rmult_le_pos; [lra|apply h_nonneg, t0].
- destruct (Rtotal_order t 1) as [l|[e|l]]; [|contradiction|].
  + pose proof (pow_less_one t m); nra.
  + pose proof (one_less_pow t m l); nra.
Qed.

(* ---- values and stationary points --------------------------------------- *)

Lemma den_pos M x : 0 <= x -> 0 < 1 + x ^ M.
Proof. intro x0; pose proof (pow_le x M x0); lra. Qed.

Lemma cost_zero M beta : (1 <= M)%nat -> cost M beta 0 = 1.
Proof. intro; unfold cost; rewrite pow_i by lia; rewrite Rmult_0_r; field. Qed.

(* g at a multiple of a stationary point. *)
Lemma cost_gap m beta a t : 0 <= a -> 0 <= t -> stationary (S m) beta a ->
  cost (S m) beta (a * t) - cost (S m) beta a =
  a ^ S m / ((1 + a ^ S m) ^ 2 * (1 + (a * t) ^ S m))
  * ((a ^ S m - INR m) * h (S m) t + INR (S m) * t * h m t).
Proof.
intros a0 t0 st; unfold stationary in st.
replace (S m - 1)%nat with m in st by lia.
assert (at0 : 0 <= a * t) by (apply Rmult_le_pos; assumption).
pose proof (den_pos (S m) a a0) as da; pose proof (den_pos (S m) _ at0) as dx.
assert (eb : beta = INR (S m) * a ^ m / (1 + a ^ S m) ^ 2)
  by (rewrite <- st; field; lra).
rewrite eb; unfold cost, h; rewrite !S_INR.
revert da dx.
change ((a * t) ^ S m) with (a * t * (a * t) ^ m); rewrite Rpow_mult_distr.
change (a ^ S m) with (a * a ^ m).
change (t ^ S (S m)) with (t * (t * t ^ m)); change (t ^ S m) with (t * t ^ m).
intros; field; split; lra.
Qed.

(* A stationary point with a^M > M - 1 is the only minimiser. *)
Lemma upper_stationary_point M beta a : (1 <= M)%nat -> 0 < a ->
  INR M - 1 < a ^ M -> stationary M beta a -> only_minimiser M beta a.
Proof.
intros M1 a0 big st; destruct M as [|m]; [lia|].
rewrite S_INR in big; split; [lra|]; intros x x0 xa.
assert (t0 : 0 <= x / a) by (apply Rmult_le_pos; [|apply Rlt_le, Rinv_0_lt_compat]; lra).
pose proof (cost_gap m beta a (x / a) (Rlt_le _ _ a0) t0 st) as gap.
replace (a * (x / a)) with x in gap by (field; lra).
assert (0 < a ^ S m) by (apply pow_lt, a0).
assert (t1 : x / a <> 1).
{ intro e; apply xa; replace x with (x / a * a) by (field; lra); rewrite e; ring. }
pose proof (h_pos m _ t0 t1) as h1; pose proof (h_nonneg m _ t0) as h0.
pose proof (den_pos (S m) x x0); pose proof (pos_INR (S m)) as p.
cut (0 < cost (S m) beta x - cost (S m) beta a); [lra|]; rewrite gap.
apply Rmult_lt_0_compat.
- apply Rdiv_lt_0_compat; [assumption|].
  apply Rmult_lt_0_compat; [apply pow_lt; lra|assumption].
- apply Rplus_lt_le_0_compat; [apply Rmult_lt_0_compat; lra|].
  apply Rmult_le_pos; [apply Rmult_le_pos|]; lra.
Qed.

Lemma only_minimiser_unique M beta a x :
  only_minimiser M beta a -> minimiser M beta x -> x = a.
Proof.
intros [a0 ha] [x0 hx]; destruct (Req_dec x a) as [e|e]; [exact e|].
specialize (ha x x0 e); specialize (hx a a0); lra.
Qed.

(* ---- the threshold ------------------------------------------------------ *)

(* c = (M-1)^(1/M), for M >= 2. *)
Definition tie_point (M : nat) := Rpower (INR M - 1) (1 / INR M).

Lemma INR_pred_pos M : (2 <= M)%nat -> 0 < INR M - 1.
Proof. intro M2; apply le_INR in M2; simpl in M2; lra. Qed.

Lemma INR_pos M : (1 <= M)%nat -> 0 < INR M.
Proof. intro M1; apply lt_0_INR; lia. Qed.

Lemma tie_point_pos M : 0 < tie_point M.
Proof. apply exp_pos. Qed.

Lemma tie_point_pow M : (2 <= M)%nat -> tie_point M ^ M = INR M - 1.
Proof.
intro M2; pose proof (INR_pred_pos M M2); pose proof (INR_pos M ltac:(lia)).
rewrite <- Rpower_pow by apply tie_point_pos.
unfold tie_point; rewrite Rpower_mult.
replace (1 / INR M * INR M) with 1 by (field; lra); apply Rpower_1; lra.
Qed.

Lemma beta_c_tie M : (2 <= M)%nat -> beta_c M = tie_point M ^ (M - 1) / INR M.
Proof.
intro M2; pose proof (INR_pos M ltac:(lia)).
unfold beta_c; f_equal.
rewrite <- Rpower_pow by apply tie_point_pos.
unfold tie_point; rewrite Rpower_mult; f_equal.
rewrite minus_INR by lia; simpl; field; lra.
Qed.

Lemma beta_c_one : beta_c 1 = 1.
Proof.
unfold beta_c; simpl; unfold Rpower.
replace ((1 - 1) / 1 * ln (1 - 1)) with 0 by field; rewrite exp_0; field.
Qed.

Lemma beta_c_pos M : (1 <= M)%nat -> 0 < beta_c M.
Proof. intro; apply Rdiv_lt_0_compat; [apply exp_pos|apply INR_pos; lia]. Qed.

Lemma pow_lt_strict M x y : (1 <= M)%nat -> 0 <= x -> x < y -> x ^ M < y ^ M.
Proof.
intros M1 x0 xy; destruct M as [|m]; [lia|]; clear M1.
induction m as [|m IH]; [simpl; lra|].
change (x * x ^ S m < y * y ^ S m).
pose proof (pow_le x (S m) x0); apply Rmult_le_0_lt_compat; lra.
Qed.

Lemma pow_lt_iff M x y : (1 <= M)%nat -> 0 <= x -> 0 <= y ->
  x < y <-> x ^ M < y ^ M.
Proof.
intros M1 x0 y0; split; intro H; [apply pow_lt_strict; assumption|].
destruct (Rlt_le_dec x y) as [?|l]; [assumption|].
pose proof (pow_incr y x M (conj y0 l)); lra.
Qed.

Lemma pow_inj M x y : (1 <= M)%nat -> 0 <= x -> 0 <= y -> x ^ M = y ^ M -> x = y.
Proof.
intros M1 x0 y0 e; destruct (Rtotal_order x y) as [l|[?|l]]; [|assumption|];
  apply (pow_lt_iff M) in l; try assumption; lra.
Qed.

(* Weighted AM-GM, with the case of equality. *)
Theorem threshold_amgm M x : (1 <= M)%nat -> 0 <= x ->
  x ^ (M - 1) <= beta_c M * (1 + x ^ M) /\
  (x ^ (M - 1) = beta_c M * (1 + x ^ M) <-> x ^ M = INR M - 1).
Proof.
intros M1 x0; destruct (le_lt_dec M 1) as [M1'|M2].
{ replace M with 1%nat by lia; rewrite beta_c_one; simpl.
  split; [lra|split; lra]. }
destruct M as [|m]; [lia|]; replace (S m - 1)%nat with m by lia.
pose proof (tie_point_pos (S m)) as c0; pose proof (tie_point_pow (S m) M2) as cp.
pose proof (INR_pos (S m) M1) as i0; pose proof (INR_pred_pos (S m) M2) as m0.
rewrite beta_c_tie by lia; replace (S m - 1)%nat with m by lia.
set (c := tie_point (S m)) in *.
assert (cm0 : 0 < c ^ m) by (apply pow_lt, c0).
assert (t0 : 0 <= x / c) by (apply Rmult_le_pos; [|apply Rlt_le, Rinv_0_lt_compat]; lra).
assert (key : c ^ m / INR (S m) * (1 + x ^ S m) - x ^ m = c ^ m / INR (S m) * h m (x / c)).
{ unfold h; set (t := x / c); replace x with (c * t) by (unfold t; field; lra).
  rewrite !Rpow_mult_distr, cp, S_INR in *; field; lra. }
assert (f0 : 0 < c ^ m / INR (S m)) by (apply Rdiv_lt_0_compat; assumption).
pose proof (h_nonneg m _ t0) as hn.
split; [assert (0 <= c ^ m / INR (S m) * h m (x / c)) by (apply Rmult_le_pos; lra); lra|].
rewrite <- cp; split; intro e.
- destruct (Req_dec (x / c) 1) as [e1|e1].
  + replace x with (x / c * c) by (field; lra); rewrite e1, Rmult_1_l; reflexivity.
  + destruct m as [|m]; [lia|]; pose proof (h_pos m _ t0 e1).
    assert (0 < c ^ S m / INR (S (S m)) * h (S m) (x / c))
      by (apply Rmult_lt_0_compat; assumption); lra.
- apply pow_inj in e; [|lia|lra|lra].
  replace (h m (x / c)) with 0 in key; [lra|].
  rewrite e; unfold h; replace (c / c) with 1 by (field; lra).
  rewrite !pow1, S_INR; ring.
Qed.

(* g(x) >= 1 = g(0) is the inequality of threshold_amgm. *)
Lemma cost_minus_one M beta x : (1 <= M)%nat -> 0 <= x ->
  cost M beta x - 1 = x / (1 + x ^ M) * (beta * (1 + x ^ M) - x ^ (M - 1)).
Proof.
intros M1 x0; pose proof (den_pos M x x0) as d; unfold cost.
destruct M as [|m]; [lia|]; replace (S m - 1)%nat with m by lia.
revert d; change (x ^ S m) with (x * x ^ m); intro; field; lra.
Qed.

(* Above the threshold 0 is the only minimiser. *)
Theorem above_threshold M beta : (1 <= M)%nat -> beta_c M < beta ->
  only_minimiser M beta 0.
Proof.
intros M1 b; split; [lra|]; intros x x0 xn; rewrite cost_zero by exact M1.
pose proof (den_pos M x x0) as d; destruct (threshold_amgm M x M1 x0) as [le _].
assert (0 < x / (1 + x ^ M)) by (apply Rdiv_lt_0_compat; lra).
assert (0 < beta * (1 + x ^ M) - x ^ (M - 1)) by nra.
pose proof (cost_minus_one M beta x M1 x0); nra.
Qed.

(* At the threshold the value is 1 = g(0), taken at 0 and where x^M = M - 1. *)
Theorem at_threshold M x : (1 <= M)%nat -> 0 <= x ->
  1 <= cost M (beta_c M) x /\
  (cost M (beta_c M) x = 1 <-> x = 0 \/ x ^ M = INR M - 1).
Proof.
intros M1 x0; pose proof (den_pos M x x0) as d.
destruct (threshold_amgm M x M1 x0) as [le eq].
pose proof (cost_minus_one M (beta_c M) x M1 x0) as e.
assert (0 <= x / (1 + x ^ M))
  by (apply Rmult_le_pos; [|apply Rlt_le, Rinv_0_lt_compat]; lra).
split; [nra|]; split.
- intro c; rewrite c in e.
  assert (z : x / (1 + x ^ M) * (beta_c M * (1 + x ^ M) - x ^ (M - 1)) = 0) by lra.
  apply Rmult_integral in z as [z|z]; [left|right; apply eq; lra].
  replace x with (x / (1 + x ^ M) * (1 + x ^ M)) by (field; lra).
  rewrite z; ring.
- intros [z|z].
  + subst x; apply cost_zero, M1.
  + apply eq in z; rewrite z in e; lra.
Qed.

(* For M >= 2 the second point is (M-1)^(1/M) > 0; for M = 1 there is none. *)
Corollary tie_at_threshold M : (2 <= M)%nat ->
  0 < tie_point M /\ tie_point M ^ M = INR M - 1 /\
  minimiser M (beta_c M) 0 /\ minimiser M (beta_c M) (tie_point M) /\
  (forall x, minimiser M (beta_c M) x -> x = 0 \/ x = tie_point M) /\
  cost M (beta_c M) (tie_point M) = 1 /\ fit M (tie_point M) = 1 - 1 / INR M.
Proof.
intro M2; pose proof (tie_point_pos M) as c0; pose proof (tie_point_pow M M2) as cp.
assert (M1 : (1 <= M)%nat) by lia; pose proof (INR_pos M M1).
assert (c1 : cost M (beta_c M) (tie_point M) = 1) by (apply at_threshold; tauto || lra).
repeat split; try assumption; try lra.
- intros x x0; rewrite cost_zero by exact M1; apply at_threshold; assumption.
- intros x x0; rewrite c1; apply at_threshold; assumption.
- intros x [x0 hx]; specialize (hx 0 (Rle_refl 0)); rewrite cost_zero in hx by exact M1.
  destruct (at_threshold M x M1 x0) as [ge eq].
  assert (e : cost M (beta_c M) x = 1) by lra; apply eq in e as [e|e]; [left; exact e|right].
  apply (pow_inj M); [exact M1|exact x0|lra|lra].
- unfold fit; rewrite cp; field; lra.
Qed.

(* The stationary value of beta at x, decreasing to 0. *)
Definition beta_at (M : nat) (x : R) := INR M * x ^ (M - 1) / (1 + x ^ M) ^ 2.

Lemma beta_at_stationary M x : 0 <= x -> stationary M (beta_at M x) x.
Proof. intro x0; pose proof (den_pos M x x0); unfold stationary, beta_at; field; lra. Qed.

Lemma beta_at_start M : (1 <= M)%nat ->
  exists c, 0 <= c /\ c ^ M = INR M - 1 /\ beta_at M c = beta_c M.
Proof.
intro M1; pose proof (INR_pos M M1); destruct (le_lt_dec M 1) as [M1'|M2].
- replace M with 1%nat by lia; exists 0; rewrite beta_c_one; unfold beta_at; simpl.
  repeat split; try lra; field.
- exists (tie_point M); pose proof (tie_point_pow M M2) as cp.
  split; [apply Rlt_le, tie_point_pos|split; [exact cp|]].
  unfold beta_at; rewrite cp, beta_c_tie by exact M2; field; lra.
Qed.

Lemma beta_at_decay M beta x : (1 <= M)%nat -> 1 <= x -> INR M < beta * x ->
  beta_at M x < beta.
Proof.
intros M1 x1 big; pose proof (INR_pos M M1) as i0.
destruct M as [|m]; [lia|]; unfold beta_at; replace (S m - 1)%nat with m by lia.
pose proof (den_pos (S m) x ltac:(lra)) as d.
pose proof (pow_R1_Rle x m x1) as p1.
apply Rmult_lt_reg_r with ((1 + x ^ S m) ^ 2); [apply pow_lt, d|].
replace (INR (S m) * x ^ m / (1 + x ^ S m) ^ 2 * (1 + x ^ S m) ^ 2)
  with (INR (S m) * x ^ m) by (field; lra).
change (x ^ S m) with (x * x ^ m); set (q := x ^ m) in *.
assert (INR (S m) * q < beta * x * q) by (apply Rmult_lt_compat_r; lra).
assert (x * q <= (1 + x * q) ^ 2) by nra.
nra.
Qed.

Lemma beta_at_small M beta c : (1 <= M)%nat -> 0 < beta ->
  exists x, 1 <= x /\ c < x /\ INR M < beta * x.
Proof.
intros M1 b0; pose proof (INR_pos M M1) as i0.
exists (1 + Rabs c + INR M / beta).
assert (0 < INR M / beta) by (apply Rdiv_lt_0_compat; assumption).
pose proof (Rabs_pos c); pose proof (Rle_abs c).
split; [lra|split; [lra|]].
replace (INR M) with (beta * (INR M / beta)) at 1 by (field; lra).
apply Rmult_lt_compat_l; lra.
Qed.

(* Below the threshold there is exactly one minimiser: the largest stationary*)
(* point, which lies beyond x^M = M - 1 and beats 0.                         *)
Theorem below_threshold M beta : (1 <= M)%nat -> 0 < beta -> beta < beta_c M ->
  exists a, 0 < a /\ INR M - 1 < a ^ M /\ stationary M beta a /\
    (forall y, 0 < y -> stationary M beta y -> y <= a) /\
    only_minimiser M beta a /\ cost M beta a < 1 /\ 1 - 1 / INR M < fit M a.
Proof.
intros M1 b0 bc; pose proof (INR_pos M M1) as i0.
destruct (beta_at_start M M1) as [c [c0 [cp cb]]].
destruct (beta_at_small M beta c M1 b0) as [z [z1 [cz zb]]].
apply beta_at_decay in zb; [|exact M1|exact z1].
assert (cont : forall x, c <= x <= z -> continuity_pt (fun x => beta - beta_at M x) x).
{ intros x cx; apply continuity_pt_minus; [apply continuity_pt_const; intros ? ?; reflexivity|].
  unfold beta_at; apply continuity_pt_div.
  - apply derivable_continuous_pt; reg.
  - apply derivable_continuous_pt; reg.
  - pose proof (den_pos M x ltac:(lra)) as d; apply pow_nonzero; lra. }
destruct (IVT_interv (fun x => beta - beta_at M x) c z cont cz) as [a [ca ea]];
  [simpl; lra|simpl; lra|].
assert (eb : beta = beta_at M a) by (simpl in ea; lra).
assert (a0 : 0 <= a) by lra.
assert (ac : a <> c) by (intro e; subst a; lra).
assert (ap : 0 < a) by lra.
assert (big : INR M - 1 < a ^ M) by (rewrite <- cp; apply pow_lt_strict; lia || lra).
assert (st : stationary M beta a) by (rewrite eb; apply beta_at_stationary, a0).
pose proof (upper_stationary_point M beta a M1 ap big st) as om.
exists a; split; [exact ap|split; [exact big|split; [exact st|split]]].
- intros y y0 sy; destruct (Rle_lt_dec y a) as [?|l]; [assumption|exfalso].
  assert (yb : INR M - 1 < y ^ M)
    by (pose proof (pow_lt_strict M a y M1 a0 l); lra).
  destruct (upper_stationary_point M beta y M1 y0 yb sy) as [_ hy].
  destruct om as [_ ha].
  specialize (hy a a0 ltac:(lra)); specialize (ha y ltac:(lra) ltac:(lra)); lra.
- split; [exact om|split].
  + rewrite <- (cost_zero M beta M1); apply om; lra.
  + unfold fit; pose proof (den_pos M a a0).
    apply Rmult_lt_reg_r with (INR M * (1 + a ^ M)); [apply Rmult_lt_0_compat; lra|].
    replace (a ^ M / (1 + a ^ M) * (INR M * (1 + a ^ M))) with (a ^ M * INR M)
      by (field; lra).
    replace ((1 - 1 / INR M) * (INR M * (1 + a ^ M))) with ((INR M - 1) * (1 + a ^ M))
      by (field; lra).
    lra.
Qed.

Corollary minimiser_below M beta x : (1 <= M)%nat -> 0 < beta -> beta < beta_c M ->
  minimiser M beta x -> 0 < x /\ stationary M beta x /\ 1 - 1 / INR M < fit M x.
Proof.
intros M1 b0 bc mx; destruct (below_threshold M beta M1 b0 bc)
  as [a [a0 [_ [st [_ [om [_ f]]]]]]].
rewrite (only_minimiser_unique M beta a x om mx); tauto.
Qed.

Lemma fit_increasing M x y : 0 <= x -> x <= y -> fit M x <= fit M y.
Proof.
intros x0 xy; unfold fit; pose proof (pow_incr x y M (conj x0 xy)).
pose proof (den_pos M x x0); pose proof (den_pos M y ltac:(lra)).
apply Rmult_le_reg_r with ((1 + x ^ M) * (1 + y ^ M)); [apply Rmult_lt_0_compat; lra|].
replace (x ^ M / (1 + x ^ M) * _) with (x ^ M * (1 + y ^ M)) by (field; lra).
replace (y ^ M / (1 + y ^ M) * _) with (y ^ M * (1 + x ^ M)) by (field; lra).
lra.
Qed.

Lemma root_pow M x : (1 <= M)%nat -> 0 < x -> Rpower x (1 / INR M) ^ M = x.
Proof.
intros M1 x0; pose proof (INR_pos M M1).
rewrite <- Rpower_pow by apply exp_pos; rewrite Rpower_mult.
replace (1 / INR M * INR M) with 1 by (field; lra); apply Rpower_1, x0.
Qed.

(* The fit of the minimiser tends to 1 - 1/M as beta rises to beta_c, and is *)
(* 0 beyond it: a jump if M >= 2, none if M = 1.                             *)
Theorem jump_at_threshold M : (1 <= M)%nat ->
  (forall eps, 0 < eps -> exists delta, 0 < delta /\
     forall beta x, 0 < beta -> beta_c M - delta < beta < beta_c M ->
     minimiser M beta x -> 1 - 1 / INR M < fit M x < 1 - 1 / INR M + eps) /\
  (forall beta x, beta_c M < beta -> minimiser M beta x -> fit M x = 0).
Proof.
intro M1; pose proof (INR_pos M M1) as i0; split.
- intros eps e0.
  assert (m0 : 1 <= INR M) by (apply (le_INR 1) in M1; exact M1).
  set (a := Rpower (INR M - 1 + eps) (1 / INR M)).
  assert (a0 : 0 < a) by apply exp_pos.
  assert (ap : a ^ M = INR M - 1 + eps) by (apply root_pow; [exact M1|lra]).
  pose proof (beta_at_stationary M a (Rlt_le _ _ a0)) as st.
  pose proof (upper_stationary_point M _ a M1 a0 ltac:(lra) st) as [_ om].
  set (b := beta_at M a) in *.
  assert (bc : b < beta_c M).
  { destruct (Rlt_le_dec b (beta_c M)) as [?|l]; [assumption|exfalso].
    specialize (om 0 (Rle_refl 0) ltac:(lra)); rewrite cost_zero in om by exact M1.
    destruct (at_threshold M a M1 (Rlt_le _ _ a0)) as [ge _].
    unfold cost in om, ge; nra. }
  exists (beta_c M - b); split; [lra|]; intros beta x b0 bb mx.
  split; [apply (minimiser_below M beta x M1 b0); [lra|exact mx]|].
  destruct mx as [x0 hx]; specialize (hx a (Rlt_le _ _ a0)).
  assert (xa : x <= a).
  { destruct (Rle_lt_dec x a) as [?|l]; [assumption|exfalso].
    specialize (om x x0 ltac:(lra)); unfold cost in om, hx; nra. }
  apply Rle_lt_trans with (fit M a); [apply fit_increasing; assumption|].
  unfold fit; rewrite ap; apply Rmult_lt_reg_r with (INR M * (1 + (INR M - 1 + eps)));
    [apply Rmult_lt_0_compat; lra|].
  replace ((INR M - 1 + eps) / (1 + (INR M - 1 + eps)) * _)
    with ((INR M - 1 + eps) * INR M) by (field; lra).
  replace ((1 - 1 / INR M + eps) * _)
    with ((INR M - 1 + eps * INR M) * (INR M + eps)) by (field; lra).
  assert (0 <= eps * INR M * (INR M - 1)) by (repeat apply Rmult_le_pos; lra).
  assert (0 < eps * eps * INR M) by (repeat apply Rmult_lt_0_compat; lra).
  nra.
- intros beta x b mx; pose proof (above_threshold M beta M1 b) as om.
  rewrite (only_minimiser_unique M beta 0 x om mx); unfold fit; rewrite pow_i by lia.
  field.
Qed.

(* ---- one layer ---------------------------------------------------------- *)

Theorem one_layer beta : 0 < beta ->
  (beta < 1 -> let x := / sqrt beta - 1 in
     only_minimiser 1 beta x /\ cost 1 beta x = 2 * sqrt beta - beta /\
     fit 1 x = 1 - sqrt beta) /\
  (1 <= beta -> only_minimiser 1 beta 0 /\ cost 1 beta 0 = 1 /\ fit 1 0 = 0).
Proof.
intro b0; split.
- intros b1 x; pose proof (sqrt_lt_R0 beta b0) as s0.
  pose proof (sqrt_sqrt beta (Rlt_le _ _ b0)) as ss.
  assert (s1 : sqrt beta < 1) by (rewrite <- sqrt_1; apply sqrt_lt_1; lra).
  assert (x0 : 0 < x).
  { unfold x; cut (1 < / sqrt beta); [lra|].
    rewrite <- Rinv_1 at 1; apply Rinv_lt_contravar; lra. }
  assert (d : 1 + x ^ 1 = / sqrt beta) by (unfold x; simpl; ring).
  split; [|split].
  + apply upper_stationary_point; [lia|exact x0|simpl; lra|].
    unfold stationary; rewrite d; simpl; set (s := sqrt beta) in *; rewrite <- ss; field; lra.
  + unfold cost; rewrite d; unfold x; set (s := sqrt beta) in *; rewrite <- ss; field; lra.
  + unfold fit; rewrite d; unfold x; simpl; field; lra.
- intro b1; split; [|split; [apply cost_zero; lia|unfold fit; simpl; field]].
  split; [lra|]; intros x x0 xn; rewrite cost_zero by lia.
  destruct (at_threshold 1 x ltac:(lia) x0) as [ge eq]; rewrite beta_c_one in *.
  destruct (Req_dec (cost 1 1 x) 1) as [e|e].
  + apply eq in e as [e|e]; [contradiction|simpl in e; lra].
  + unfold cost in *; nra.
Qed.

(* In the variables of the claim: target tau, N samples, lam^2 = Lambda, so   *)
(* that beta = N (N Lambda) / tau^2. sigma = tau fit is a soft threshold.     *)
Corollary one_layer_soft_threshold tau N lam : 0 < tau -> 0 < N -> 0 < lam ->
  let beta := N * (N * lam ^ 2) / tau ^ 2 in
  (N * lam < tau -> exists x, only_minimiser 1 beta x /\
     tau * fit 1 x = tau - N * lam /\
     tau ^ 2 / (2 * N) * cost 1 beta x = lam * tau - N * lam ^ 2 / 2) /\
  (tau <= N * lam -> only_minimiser 1 beta 0 /\ tau * fit 1 0 = 0 /\
     tau ^ 2 / (2 * N) * cost 1 beta 0 = tau ^ 2 / (2 * N)).
Proof.
intros t0 n0 l0 beta.
assert (q0 : 0 < N * lam / tau) by (apply Rdiv_lt_0_compat; nra).
assert (eb : beta = N * lam / tau * (N * lam / tau)) by (unfold beta; field; lra).
assert (sb : sqrt beta = N * lam / tau) by (rewrite eb; apply sqrt_square; lra).
assert (b0 : 0 < beta) by (rewrite eb; nra).
destruct (one_layer beta b0) as [low high]; split; intro H.
- assert (q1 : N * lam / tau < 1).
  { apply Rmult_lt_reg_r with tau; [lra|].
    replace (N * lam / tau * tau) with (N * lam) by (field; lra); lra. }
  destruct low as [om [c f]]; [rewrite eb; nra|]; rewrite sb in *.
  exists (/ (N * lam / tau) - 1); split; [exact om|split].
  + rewrite f; field; lra.
  + rewrite c; unfold beta; field; lra.
- assert (q1 : 1 <= N * lam / tau).
  { apply Rmult_le_reg_r with tau; [lra|].
    replace (N * lam / tau * tau) with (N * lam) by (field; lra); lra. }
  destruct high as [om [c f]]; [rewrite eb; nra|].
  split; [exact om|split]; [rewrite f; ring|rewrite c; ring].
Qed.

(* ---- the threshold in Lambda -------------------------------------------- *)

Definition beta_of (M : nat) (N tau Lam : R) :=
  INR M * N * Rpower (N * Lam) (1 / INR M) / tau ^ 2.
Definition Lambda_c (M : nat) (N tau : R) :=
  (INR M - 1) ^ (M - 1) / INR M ^ (2 * M) * (tau ^ (2 * M) / N ^ (M + 1)).

Lemma beta_c_pow M : (1 <= M)%nat -> beta_c M ^ M = (INR M - 1) ^ (M - 1) / INR M ^ M.
Proof.
intro M1; pose proof (INR_pos M M1); destruct (le_lt_dec M 1) as [M1'|M2].
- replace M with 1%nat by lia; rewrite beta_c_one; simpl; field.
- rewrite beta_c_tie by exact M2; unfold Rdiv at 1.
  rewrite Rpow_mult_distr, <- pow_mult, Nat.mul_comm, pow_mult, tie_point_pow, pow_inv
    by (exact M2 || lra); reflexivity.
Qed.

Theorem alive_iff_Lambda_below M N tau Lam : (1 <= M)%nat ->
  0 < N -> 0 < tau -> 0 < Lam ->
  beta_of M N tau Lam < beta_c M <-> Lam < Lambda_c M N tau.
Proof.
intros M1 n0 t0 l0; pose proof (INR_pos M M1) as i0.
assert (nl : 0 < N * Lam) by (apply Rmult_lt_0_compat; assumption).
assert (b0 : 0 < beta_of M N tau Lam).
{ apply Rdiv_lt_0_compat; [|apply pow_lt, t0].
  apply Rmult_lt_0_compat; [nra|apply exp_pos]. }
pose proof (pow_lt (INR M) M i0) as im; pose proof (pow_lt N M n0) as nm.
assert (tm : 0 < tau ^ (2 * M)) by (apply pow_lt, t0).
rewrite (pow_lt_iff M) by (lia || apply Rlt_le; (exact b0 || apply beta_c_pos, M1)).
rewrite beta_c_pow by exact M1.
replace (beta_of M N tau Lam ^ M)
  with (Lam * (INR M ^ M * N ^ M * N / tau ^ (2 * M))).
2:{ unfold beta_of, Rdiv at 2; rewrite !Rpow_mult_distr, root_pow, pow_inv, <- pow_mult
      by (assumption || apply pow_nonzero; lra); field; lra. }
replace ((INR M - 1) ^ (M - 1) / INR M ^ M)
  with (Lambda_c M N tau * (INR M ^ M * N ^ M * N / tau ^ (2 * M))).
2:{ unfold Lambda_c; replace (2 * M)%nat with (M + M)%nat in * by lia.
    rewrite !pow_add in *; simpl (N ^ 1); rewrite Rmult_1_r; field; repeat split; nra. }
assert (k0 : 0 < INR M ^ M * N ^ M * N / tau ^ (2 * M))
  by (apply Rdiv_lt_0_compat; [repeat apply Rmult_lt_0_compat|]; assumption).
split; intro H; [apply Rmult_lt_reg_r in H|apply Rmult_lt_compat_r]; assumption.
Qed.

(* ---- instances: the hypotheses can be met ------------------------------- *)

(* beta_c(2) = 1/2, with the tie at x = 1. *)
Example threshold_instance :
  (1 <= 2)%nat /\ 0 <= 1 /\ beta_c 2 = 1 / 2 /\ 1 ^ 2 = INR 2 - 1 /\
  0 < 1 / 4 < beta_c 2 /\ beta_c 2 < 3 / 4 /\ 0 < 1 / 8 /\
  minimiser 2 (3 / 4) 0.
Proof.
assert (e : beta_c 2 = 1 / 2).
{ rewrite beta_c_tie by lia; unfold tie_point; simpl.
  replace (1 + 1 - 1) with 1 by ring; unfold Rpower; rewrite ln_1, Rmult_0_r, exp_0; field. }
rewrite e; repeat split; try lia; try lra; [simpl; ring|].
intros x x0; destruct (Req_dec x 0) as [z|z]; [rewrite z; lra|].
apply Rlt_le, above_threshold; [lia|rewrite e; lra|exact x0|exact z].
Qed.

(* The row M = 1, beta = 1/4 of the reference table: x = 1, g = 3/4, fit 1/2. *)
Example one_layer_instance :
  0 < 1 / 4 /\ 1 / 4 < 1 /\ cost 1 (1 / 4) 1 = 3 / 4 /\ fit 1 1 = 1 / 2 /\
  0 < 2 /\ 0 < 3 /\ 0 < 1 / 10 /\ 3 * (1 / 10) < 2.
Proof. unfold cost, fit; simpl; repeat split; try lra; field. Qed.
