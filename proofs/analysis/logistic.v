(* Claims NC-22 (MSE, one layer) and ICL-22 (balance c = 0): the closed      *)
(* logistic trajectories are solutions of the gradient-flow equations of the *)
(* aligned modes, for all times, and the only ones.                          *)
(*                                                                           *)
(* The common equation is w' = 2 w (a - b w), w(0) = w0 > 0, b > 0:          *)
(*   NC-22:  w = u = s^2, a = r = sqrt n / N - lambda, b = 1/N, a of any sign;*)
(*   ICL-22: w = u^2 = theta^2, a = alpha, b = kappa.                        *)
(* "On t >= 0" means that the derivative exists at every t >= 0.             *)

From Coq Require Import Reals Lra.

Local Open Scope R_scope.

Definition solves_on (u : R -> R) (f : R -> R) :=
  forall t, 0 <= t -> derivable_pt_lim u t (f t).

(* ---- a linear equation z' = k z with z(0) = 0 has only z = 0 ------------ *)

Lemma linear_zero z k C T : 0 < T -> z 0 = 0 ->
  (forall t, 0 <= t <= T -> derivable_pt_lim z t (k t * z t)) ->
  (forall t, 0 <= t <= T -> k t <= C) -> z T = 0.
Proof.
intros T0 z0 dz kC.
pose (y := fun t => z t * z t * exp (- 2 * C * t)).
pose (y' := fun t => (2 * k t - 2 * C) * (z t * z t) * exp (- 2 * C * t)).
assert (dy : forall t, 0 <= t <= T -> derivable_pt_lim y t (y' t)).
{ intros t tT; pose proof (dz t tT) as d.
  pose proof (derivable_pt_lim_mult z z t _ _ d d) as d2.
  assert (e : derivable_pt_lim (fun t => exp (- 2 * C * t)) t (exp (- 2 * C * t) * (- 2 * C * 1))).
  { apply (derivable_pt_lim_comp (fun t => - 2 * C * t) exp).
    - apply (derivable_pt_lim_scal id (- 2 * C) t 1), derivable_pt_lim_id.
    - apply derivable_pt_lim_exp. }
  pose proof (derivable_pt_lim_mult _ _ t _ _ d2 e) as d3.
  unfold y', y; eapply eq_ind; [exact d3|unfold mult_fct; ring]. }
destruct (MVT_cor2 y y' 0 T T0 dy) as [c [e cT]].
assert (p : 0 < exp (- 2 * C * c)) by apply exp_pos.
assert (q : 0 < exp (- 2 * C * T)) by apply exp_pos.
assert (neg : y' c <= 0).
{ unfold y'; specialize (kC c ltac:(lra)).
  assert (0 <= (2 * C - 2 * k c) * (z c * z c) * exp (- 2 * C * c)).
  { apply Rmult_le_pos; [apply Rmult_le_pos; nra|lra]. }
  lra. }
assert (y0 : y 0 = 0) by (unfold y; rewrite z0; ring).
assert (yT : y T <= 0) by nra.
unfold y in yT; assert (z T * z T <= 0) by nra; nra.
Qed.

(* A function with a derivative on [0, T] is bounded there. *)
Lemma bounded u f T : 0 <= T -> solves_on u f ->
  exists B, forall t, 0 <= t <= T -> Rabs (u t) <= B.
Proof.
intros T0 du.
assert (cont : forall t, 0 <= t <= T -> continuity_pt u t).
{ intros t tT; apply derivable_continuous_pt; exists (f t); apply du; lra. }
destruct (continuity_ab_maj u 0 T T0 cont) as [hi [uhi _]].
destruct (continuity_ab_min u 0 T T0 cont) as [lo [ulo _]].
exists (Rabs (u hi) + Rabs (u lo)); intros t tT.
specialize (uhi t tT); specialize (ulo t tT).
pose proof (Rle_abs (u hi)); pose proof (Rle_abs (- u lo)); rewrite Rabs_Ropp in *.
pose proof (Rabs_pos (u hi)); pose proof (Rabs_pos (u lo)).
apply Rabs_le; lra.
Qed.

(* ---- the logistic equation ---------------------------------------------- *)

(* Numerator and denominator: num' = 2 a num, den' = 2 b num. *)
Definition num (a w0 t : R) := w0 * exp (2 * a * t).
Definition elapsed (a t : R) := if Req_EM_T a 0 then 2 * t else (exp (2 * a * t) - 1) / a.
Definition den (a b w0 t : R) := 1 + b * w0 * elapsed a t.
Definition logistic (a b w0 t : R) := num a w0 t / den a b w0 t.

Lemma exp_derivative a t : derivable_pt_lim (fun t => exp (2 * a * t)) t (2 * a * exp (2 * a * t)).
Proof.
replace (2 * a * exp (2 * a * t)) with (exp (2 * a * t) * (2 * a * 1)) by ring.
apply (derivable_pt_lim_comp (fun t => 2 * a * t) exp).
- apply (derivable_pt_lim_scal id (2 * a) t 1), derivable_pt_lim_id.
- apply derivable_pt_lim_exp.
Qed.

Lemma num_derivative a w0 t : derivable_pt_lim (num a w0) t (2 * a * num a w0 t).
Proof.
replace (2 * a * num a w0 t) with (w0 * (2 * a * exp (2 * a * t))) by (unfold num; ring).
apply (derivable_pt_lim_scal (fun t => exp (2 * a * t)) w0 t), exp_derivative.
Qed.

Lemma elapsed_derivative a t : derivable_pt_lim (elapsed a) t (2 * exp (2 * a * t)).
Proof.
unfold elapsed; destruct (Req_EM_T a 0) as [->|an].
- replace (2 * exp (2 * 0 * t)) with (2 * 1)
    by (replace (2 * 0 * t) with 0 by ring; rewrite exp_0; ring).
  apply (derivable_pt_lim_scal id 2 t 1), derivable_pt_lim_id.
- replace (2 * exp (2 * a * t)) with (/ a * (2 * a * exp (2 * a * t) - 0)) by (field; exact an).
  apply (derivable_pt_lim_ext (mult_real_fct (/ a) (fun t => exp (2 * a * t) - 1))).
  + intro x; unfold mult_real_fct, Rdiv; ring.
  + apply derivable_pt_lim_scal.
    apply (derivable_pt_lim_minus (fun t => exp (2 * a * t)) (fct_cte 1)).
    * apply exp_derivative.
    * apply derivable_pt_lim_const.
Qed.

Lemma den_derivative a b w0 t : derivable_pt_lim (den a b w0) t (2 * b * num a w0 t).
Proof.
replace (2 * b * num a w0 t) with (0 + b * w0 * (2 * exp (2 * a * t))) by (unfold num; ring).
apply (derivable_pt_lim_plus (fct_cte 1) (fun t => b * w0 * elapsed a t)).
- apply derivable_pt_lim_const.
- apply (derivable_pt_lim_scal (elapsed a)), elapsed_derivative.
Qed.

Lemma elapsed_nonneg a t : 0 <= t -> 0 <= elapsed a t.
Proof.
intro t0; unfold elapsed; destruct (Req_EM_T a 0) as [->|an]; [lra|].
destruct (Rtotal_order a 0) as [l|[e|l]]; [|contradiction|].
- replace ((exp (2 * a * t) - 1) / a) with ((1 - exp (2 * a * t)) * / - a) by (field; lra).
  apply Rmult_le_pos; [|apply Rlt_le, Rinv_0_lt_compat; lra].
  assert (le : 2 * a * t <= 0) by nra; rewrite <- exp_0 at 1.
  destruct le as [lt| ->]; [apply exp_increasing in lt; lra|lra].
- apply Rmult_le_pos; [|apply Rlt_le, Rinv_0_lt_compat; lra].
  assert (le : 0 <= 2 * a * t) by (apply Rmult_le_pos; lra); rewrite <- exp_0 at 1.
  destruct le as [lt|eq]; [apply exp_increasing in lt; lra|rewrite <- eq; lra].
Qed.

Lemma den_ge_one a b w0 t : 0 < b -> 0 < w0 -> 0 <= t -> 1 <= den a b w0 t.
Proof.
intros b0 w00 t0; unfold den; pose proof (elapsed_nonneg a t t0).
assert (0 <= b * w0 * elapsed a t) by (repeat apply Rmult_le_pos; lra); lra.
Qed.

Lemma start_values a b w0 : num a w0 0 = w0 /\ den a b w0 0 = 1.
Proof.
unfold num, den, elapsed; rewrite Rmult_0_r, exp_0; split; [ring|].
destruct (Req_EM_T a 0); [ring|field; assumption].
Qed.

(* The printed forms. *)
Theorem logistic_form a b w0 t : a <> 0 -> 0 < b -> 0 < w0 -> 0 <= t ->
  logistic a b w0 t = a / b / (1 + (a / b / w0 - 1) * exp (- (2 * a * t))).
Proof.
intros an b0 w00 t0; pose proof (den_ge_one a b w0 t b0 w00 t0) as d.
unfold logistic, num, den, elapsed in *; destruct (Req_EM_T a 0); [contradiction|].
rewrite exp_Ropp; assert (e0 : 0 < exp (2 * a * t)) by apply exp_pos.
set (E := exp (2 * a * t)) in *; clearbody E.
assert (d2 : b * w0 * E + (a - b * w0) <> 0).
{ intro z; assert (1 + b * w0 * ((E - 1) / a) = (b * w0 * E + (a - b * w0)) / a)
    by (field; exact an).
  rewrite z in H; unfold Rdiv in H; rewrite Rmult_0_l in H; lra. }
field; repeat split; lra.
Qed.

Theorem logistic_form_zero b w0 t : logistic 0 b w0 t = w0 / (1 + 2 * w0 * t * b).
Proof.
unfold logistic, num, den, elapsed; destruct (Req_EM_T 0 0); [|contradiction].
replace (2 * 0 * t) with 0 by ring; rewrite exp_0; f_equal; ring.
Qed.

Section Uniqueness.

Variables a b w0 : R.
Hypotheses (b0 : 0 < b) (w00 : 0 < w0).

(* The logistic function solves the equation ... *)
Theorem logistic_solves : logistic a b w0 0 = w0 /\
  solves_on (logistic a b w0) (fun t => 2 * logistic a b w0 t * (a - b * logistic a b w0 t)).
Proof.
split.
- destruct (start_values a b w0) as [e1 e2]; unfold logistic; rewrite e1, e2; field.
- intros t t0; pose proof (den_ge_one a b w0 t b0 w00 t0) as d.
  pose proof (derivable_pt_lim_div _ _ t _ _ (num_derivative a w0 t)
    (den_derivative a b w0 t) ltac:(lra)) as q.
  replace (2 * logistic a b w0 t * (a - b * logistic a b w0 t)) with
    ((2 * a * num a w0 t * den a b w0 t - 2 * b * num a w0 t * num a w0 t)
     / Rsqr (den a b w0 t)) by (unfold logistic, Rsqr; field; lra).
  exact q.
Qed.

(* ... and is the only solution. *)
Theorem logistic_unique u : u 0 = w0 -> solves_on u (fun t => 2 * u t * (a - b * u t)) ->
  forall t, 0 <= t -> u t = logistic a b w0 t.
Proof.
intros u0 du T T0; destruct (start_values a b w0) as [n0 d0].
destruct T0 as [T0|<-]; [|rewrite u0; symmetry; apply logistic_solves].
pose (z := fun t => u t * den a b w0 t - num a w0 t).
destruct (bounded u _ T (Rlt_le _ _ T0) du) as [B uB].
assert (zT : z T = 0).
{ apply (linear_zero z (fun t => 2 * (a - b * u t)) (2 * (a + b * B))); [exact T0| | |].
  - unfold z; rewrite n0, d0, u0; ring.
  - intros t [t0 _].
    pose proof (derivable_pt_lim_minus _ _ t _ _
      (derivable_pt_lim_mult _ _ t _ _ (du t t0) (den_derivative a b w0 t))
      (num_derivative a w0 t)) as dz.
    unfold z; eapply eq_ind; [exact dz|unfold mult_fct; ring].
  - intros t tT; specialize (uB t tT); pose proof (Rle_abs (- u t)); rewrite Rabs_Ropp in *.
    nra. }
pose proof (den_ge_one a b w0 T b0 w00 (Rlt_le _ _ T0)).
unfold z in zT; unfold logistic; apply Rmult_eq_reg_r with (den a b w0 T); [|lra].
replace (num a w0 T / den a b w0 T * den a b w0 T) with (num a w0 T) by (field; lra); lra.
Qed.

End Uniqueness.

(* ---- NC-22: MSE, one layer ---------------------------------------------- *)

(* Mode of scale s in both factors: s' = -(s (s^2 - sqrt n)) / N - lambda s.  *)
Theorem mse_trajectory n N lam s : 0 < N -> 0 < s 0 ->
  solves_on s (fun t => - (s t * (s t ^ 2 - sqrt n)) / N - lam * s t) ->
  let r := sqrt n / N - lam in let u t := s t ^ 2 in
  forall t, 0 <= t ->
  (r <> 0 -> u t = N * r / (1 + (N * r / u 0 - 1) * exp (- (2 * r * t)))) /\
  (r = 0 -> u t = u 0 / (1 + 2 * u 0 * t / N)).
Proof.
intros N0 s0 ds r u t t0.
assert (u0 : 0 < u 0) by (unfold u; apply pow_lt, s0).
assert (i0 : 0 < / N) by (apply Rinv_0_lt_compat, N0).
assert (du : solves_on u (fun t => 2 * u t * (r - / N * u t))).
{ intros x x0; pose proof (derivable_pt_lim_mult _ _ x _ _ (ds x x0) (ds x x0)) as d.
  apply (derivable_pt_lim_ext _ u) in d; [|intro y; unfold mult_fct, u; ring].
  unfold u, r; eapply eq_ind; [exact d|field; lra]. }
pose proof (logistic_unique r (/ N) (u 0) i0 u0 u eq_refl du t t0) as e.
split; intro rn; rewrite e.
- rewrite logistic_form by assumption; replace (r / / N) with (N * r) by (field; lra); reflexivity.
- rewrite rn; rewrite logistic_form_zero; reflexivity.
Qed.

(* ---- ICL-22: the isotropic layer with c = 0 ----------------------------- *)

(* u' = theta (alpha - kappa u theta), theta' = u (alpha - kappa u theta),   *)
(* u_0 = theta_0 > 0.                                                        *)
Theorem isotropic_trajectory alpha kappa u th : 0 < alpha -> 0 < kappa ->
  u 0 = th 0 -> 0 < u 0 ->
  solves_on u (fun t => th t * (alpha - kappa * (u t * th t))) ->
  solves_on th (fun t => u t * (alpha - kappa * (u t * th t))) ->
  let rinf := alpha / kappa in
  forall t, 0 <= t -> u t = th t /\
  u t ^ 2 = rinf / (1 + (rinf / u 0 ^ 2 - 1) * exp (- (2 * alpha * t))).
Proof.
intros al0 ka0 start u0 du dth rinf.
assert (eq : forall t, 0 <= t -> u t = th t).
{ intros T [T0|<-]; [|exact start].
  destruct (bounded u _ T (Rlt_le _ _ T0) du) as [B uB].
  destruct (bounded th _ T (Rlt_le _ _ T0) dth) as [B' thB].
  cut (u T - th T = 0); [lra|].
  apply (linear_zero (fun t => u t - th t) (fun t => - (alpha - kappa * (u t * th t)))
    (kappa * (B * B'))); [exact T0|lra| |].
  - intros t [t0 _]; pose proof (derivable_pt_lim_minus _ _ t _ _ (du t t0) (dth t t0)) as d.
    eapply eq_ind; [exact d|ring].
  - intros t tT; specialize (uB t tT); specialize (thB t tT).
    assert (u t * th t <= B * B').
    { apply Rle_trans with (1 := Rle_abs _); rewrite Rabs_mult.
      apply Rmult_le_compat; try assumption; apply Rabs_pos. }
    assert (kappa * (u t * th t) <= kappa * (B * B')) by (apply Rmult_le_compat_l; lra).
    lra. }
intros t t0; split; [apply eq, t0|].
assert (w0 : 0 < u 0 ^ 2) by (apply pow_lt, u0).
assert (dw : solves_on (fun t => u t ^ 2) (fun t => 2 * u t ^ 2 * (alpha - kappa * u t ^ 2))).
{ intros x x0; pose proof (derivable_pt_lim_mult _ _ x _ _ (du x x0) (du x x0)) as d.
  apply (derivable_pt_lim_ext _ (fun t => u t ^ 2)) in d; [|intro y; unfold mult_fct; ring].
  eapply eq_ind; [exact d|rewrite <- (eq x x0); ring]. }
rewrite (logistic_unique alpha kappa (u 0 ^ 2) ka0 w0 (fun t => u t ^ 2) eq_refl dw t t0).
apply logistic_form; lra.
Qed.

(* The half time, if u_0^2 < rinf / 2. *)
Theorem half_time alpha kappa w0 : 0 < alpha -> 0 < kappa -> 0 < w0 -> w0 < alpha / kappa / 2 ->
  let t := 1 / (2 * alpha) * ln (alpha / kappa / w0 - 1) in
  0 < t /\ logistic alpha kappa w0 t = alpha / kappa / 2.
Proof.
intros al0 ka0 w00 small t; set (q := alpha / kappa) in *.
assert (big : 1 < q / w0 - 1).
{ apply Rmult_lt_reg_r with w0; [exact w00|].
  replace ((q / w0 - 1) * w0) with (q - w0) by (field; lra); lra. }
assert (l0 : 0 < ln (q / w0 - 1)) by (rewrite <- ln_1; apply ln_increasing; lra).
assert (i0 : 0 < 1 / (2 * alpha)) by (apply Rdiv_lt_0_compat; lra).
assert (t0 : 0 < t) by (apply Rmult_lt_0_compat; assumption).
split; [exact t0|].
rewrite logistic_form by lra; fold q.
replace (2 * alpha * t) with (ln (q / w0 - 1)) by (unfold t; field; lra).
rewrite exp_Ropp, exp_ln by lra; field; split; lra.
Qed.

(* The hypotheses can be met: start at the fixed point, s = 1 with n = 4,    *)
(* N = 1, lambda = 1, r = 1; and u = theta = 1 with alpha = kappa = 1.       *)
Example mse_instance :
  let s := fun _ : R => 1 in
  0 < 1 /\ 0 < s 0 /\
  solves_on s (fun t => - (s t * (s t ^ 2 - sqrt 4)) / 1 - 1 * s t) /\ sqrt 4 / 1 - 1 <> 0.
Proof.
assert (e : sqrt 4 = 2) by (replace 4 with (2 * 2) by ring; apply sqrt_square; lra).
rewrite e; simpl; repeat split; try lra.
intros t _; replace (- (1 * (1 * (1 * 1) - 2)) / 1 - 1 * 1) with 0 by field.
apply derivable_pt_lim_const.
Qed.

Example isotropic_instance :
  let u := fun _ : R => 1 in
  0 < 1 /\ u 0 = u 0 /\ 0 < u 0 /\ solves_on u (fun t => u t * (1 - 1 * (u t * u t))) /\
  1 / 4 < 1 / 1 / 2.
Proof.
simpl; repeat split; try lra.
intros t _; replace (1 * (1 - 1 * (1 * 1))) with 0 by ring; apply derivable_pt_lim_const.
Qed.
