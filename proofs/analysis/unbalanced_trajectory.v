(* Claim ICL-22, balance c different from 0: the closed trajectory of the    *)
(* isotropic layer, for every start.                                         *)
(*                                                                           *)
(* u' = theta (alpha - kappa u theta), theta' = u (alpha - kappa u theta) on *)
(* t >= 0, alpha, kappa > 0, c = u_0^2 - theta_0^2, r = u theta. The claim:  *)
(* u^2 - theta^2 = c for all times, r is the function traj below, and        *)
(* u^2 = (c + sqrt(c^2 + 4 r^2)) / 2.                                        *)

From Coq Require Import Reals Lra.
From Coquelicot Require Import Coquelicot.
From SolvableAnalysis Require Import logistic.

Local Open Scope R_scope.

Section Closed.

Variables alpha kappa c r0 : R.
Hypotheses (alpha0 : 0 < alpha) (kappa0 : 0 < kappa) (c0 : c <> 0).

Definition beta := / 2 * kappa * Rabs c.
Definition D := sqrt (alpha ^ 2 + beta ^ 2).
Definition y0 := 2 * r0 / (Rabs c + sqrt (c ^ 2 + 4 * r0 ^ 2)).
Definition z0 := (alpha * y0 + beta) / D.
Definition z (t : R) := (z0 + tanh (D * t)) / (1 + z0 * tanh (D * t)).
Definition y (t : R) := (D * z t - beta) / alpha.
Definition traj (t : R) := Rabs c * y t / (1 - y t ^ 2).

Lemma abs_c : 0 < Rabs c /\ Rabs c * Rabs c = c ^ 2.
Proof.
split; [apply Rabs_pos_lt, c0|].
rewrite <- Rabs_mult, Rabs_right; [ring|]; apply Rle_ge; pose proof (pow2_ge_0 c); lra.
Qed.

Lemma beta_pos : 0 < beta.
Proof. destruct abs_c; unfold beta; repeat apply Rmult_lt_0_compat; lra. Qed.

Lemma D_sq : 0 < D /\ D * D = alpha ^ 2 + beta ^ 2.
Proof.
pose proof beta_pos.
assert (p : 0 < alpha ^ 2 + beta ^ 2) by (assert (0 < alpha ^ 2) by (apply pow_lt; lra);
  assert (0 < beta ^ 2) by (apply pow_lt; lra); lra).
split; [apply sqrt_lt_R0, p|apply sqrt_sqrt; lra].
Qed.

(* u^2 + theta^2 as a function of r = u theta. *)
Definition norm2 (r : R) := sqrt (c ^ 2 + 4 * r ^ 2).

Lemma norm2_sq r : 0 < norm2 r /\ norm2 r * norm2 r = c ^ 2 + 4 * r ^ 2 /\ 2 * Rabs r <= norm2 r.
Proof.
destruct abs_c as [a0 aa].
assert (p : 0 < c ^ 2 + 4 * r ^ 2) by (pose proof (pow2_ge_0 r); nra).
assert (q : 0 < norm2 r) by (apply sqrt_lt_R0, p).
assert (s : norm2 r * norm2 r = c ^ 2 + 4 * r ^ 2) by (apply sqrt_sqrt; lra).
split; [exact q|split; [exact s|]].
assert (rr : Rabs r * Rabs r = r ^ 2).
{ rewrite <- Rabs_mult, Rabs_right; [ring|]; apply Rle_ge; pose proof (pow2_ge_0 r); lra. }
pose proof (Rabs_pos r); pose proof (pow2_ge_0 c); nra.
Qed.

Lemma y0_range : -1 < y0 < 1 /\ r0 = Rabs c * y0 / (1 - y0 ^ 2).
Proof.
destruct abs_c as [a0 aa]; destruct (norm2_sq r0) as [s0 [ss sr]]; fold (norm2 r0) in *.
unfold y0; fold (norm2 r0); set (s := norm2 r0) in *; set (a := Rabs c) in *.
assert (lo : -1 < 2 * r0 / (a + s)).
{ apply Rmult_lt_reg_r with (a + s); [lra|].
  replace (2 * r0 / (a + s) * (a + s)) with (2 * r0) by (field; lra).
  pose proof (Rle_abs (- r0)); rewrite Rabs_Ropp in *; lra. }
assert (hi : 2 * r0 / (a + s) < 1).
{ apply Rmult_lt_reg_r with (a + s); [lra|].
  replace (2 * r0 / (a + s) * (a + s)) with (2 * r0) by (field; lra).
  pose proof (Rle_abs r0); lra. }
split; [split; assumption|].
assert (e : 1 - (2 * r0 / (a + s)) ^ 2 = 2 * a / (a + s)).
{ replace (1 - (2 * r0 / (a + s)) ^ 2) with ((a * a + 2 * a * s + (s * s - 4 * r0 ^ 2)) / (a + s) ^ 2)
    by (field; lra).
  rewrite ss, <- aa; field; lra. }
rewrite e; field; lra.
Qed.

(* tanh through E = e^(2 D t) >= 1. *)
Lemma tanh_form x : tanh x = (exp (2 * x) - 1) / (exp (2 * x) + 1).
Proof.
unfold tanh, sinh, cosh; pose proof (exp_pos x) as e0.
replace (2 * x) with (x + x) by ring; rewrite exp_plus, exp_Ropp.
assert (0 < exp x * exp x) by (apply Rmult_lt_0_compat; assumption).
field; repeat split; nra.
Qed.

Let lo := (beta - alpha) / D.
Let hi := (beta + alpha) / D.

Lemma z0_range : -1 < lo /\ lo < 1 /\ 1 < hi /\ lo < z0 < hi /\ -1 < z0.
Proof.
pose proof beta_pos; destruct D_sq as [d0 dd]; destruct y0_range as [[l h] _].
assert (dl : alpha < D) by nra; assert (db : beta < D) by nra.
assert (dh : D < alpha + beta) by nra.
assert (scale : forall a b, a < b -> a / D < b / D)
  by (intros a b ab; apply Rmult_lt_compat_r; [apply Rinv_0_lt_compat, d0|exact ab]).
assert (one : D / D = 1) by (field; lra).
assert (a : -1 < lo) by (unfold lo; replace (-1) with (- D / D) by (field; lra); apply scale; lra).
assert (b : lo < z0) by (unfold lo, z0; apply scale; nra).
split; [exact a|split; [unfold lo; rewrite <- one; apply scale; lra|]].
split; [unfold hi; rewrite <- one at 1; apply scale; lra|].
split; [split; [exact b|unfold hi, z0; apply scale; nra]|lra].
Qed.

Definition E t := exp (2 * (D * t)).

Lemma E_ge_one t : 0 <= t -> 1 <= E t.
Proof.
intro t0; destruct D_sq as [d0 _]; unfold E; rewrite <- exp_0.
assert (le : 0 <= 2 * (D * t)) by (apply Rmult_le_pos; [lra|apply Rmult_le_pos; lra]).
destruct le as [lt|e]; [left; apply exp_increasing, lt|right; rewrite <- e; reflexivity].
Qed.

Lemma z_den t : 0 <= t -> 0 < (1 + z0) * E t + (1 - z0).
Proof.
intro t0; pose proof (E_ge_one t t0); destruct z0_range as [_ [_ [_ [_ m]]]].
assert (0 <= (1 + z0) * (E t - 1)) by (apply Rmult_le_pos; lra); lra.
Qed.

Lemma z_form t : 0 <= t -> z t = ((1 + z0) * E t - (1 - z0)) / ((1 + z0) * E t + (1 - z0)).
Proof.
intro t0; pose proof (E_ge_one t t0); pose proof (z_den t t0).
unfold z; rewrite tanh_form; fold (E t).
field; repeat split; try lra.
Qed.

Lemma y_range t : 0 <= t -> -1 < y t < 1.
Proof.
intro t0; pose proof (E_ge_one t t0) as e1; pose proof (z_den t t0) as d.
destruct z0_range as [l1 [l2 [h1 [[zl zh] m]]]]; destruct D_sq as [d0 _].
assert (lz : lo < z t).
{ rewrite z_form by exact t0; apply Rmult_lt_reg_r with ((1 + z0) * E t + (1 - z0)); [exact d|].
  replace (((1 + z0) * E t - (1 - z0)) / ((1 + z0) * E t + (1 - z0)) * ((1 + z0) * E t + (1 - z0)))
    with ((1 + z0) * E t - (1 - z0)) by (field; lra).
  assert (0 <= (1 + z0) * (1 - lo) * (E t - 1))
    by (apply Rmult_le_pos; [apply Rmult_le_pos|]; lra).
  lra. }
assert (hz : z t < hi).
{ rewrite z_form by exact t0; apply Rmult_lt_reg_r with ((1 + z0) * E t + (1 - z0)); [exact d|].
  replace (((1 + z0) * E t - (1 - z0)) / ((1 + z0) * E t + (1 - z0)) * ((1 + z0) * E t + (1 - z0)))
    with ((1 + z0) * E t - (1 - z0)) by (field; lra).
  assert (0 <= (1 + z0) * (hi - 1) * (E t - 1))
    by (apply Rmult_le_pos; [apply Rmult_le_pos|]; lra).
  lra. }
assert (dl : D * lo = beta - alpha) by (unfold lo; field; lra).
assert (dh : D * hi = beta + alpha) by (unfold hi; field; lra).
assert (D * lo < D * z t) by (apply Rmult_lt_compat_l; assumption).
assert (D * z t < D * hi) by (apply Rmult_lt_compat_l; assumption).
unfold y; split; apply Rmult_lt_reg_r with alpha; try assumption;
  replace ((D * z t - beta) / alpha * alpha) with (D * z t - beta) by (field; lra); lra.
Qed.

(* z' = D (1 - z^2), for t > 0 and, in the formula with E, everywhere near. *)
Definition zE (t : R) := ((1 + z0) * E t - (1 - z0)) / ((1 + z0) * E t + (1 - z0)).

Lemma zE_derivative t : 0 <= t -> is_derive zE t (D * (1 - zE t ^ 2)).
Proof.
intro t0; pose proof (z_den t t0) as d; unfold zE, E in *.
auto_derive; [lra|field; lra].
Qed.

Lemma z_is_zE t : z t = zE t \/ (1 + z0) * E t + (1 - z0) = 0.
Proof.
destruct (Req_dec ((1 + z0) * E t + (1 - z0)) 0) as [e|e]; [right; exact e|left].
unfold z, zE; rewrite tanh_form; fold (E t).
assert (0 < E t) by apply exp_pos.
field; repeat split; try lra.
Qed.

Lemma z_derivative t : 0 <= t -> is_derive z t (D * (1 - z t ^ 2)).
Proof.
intro t0; pose proof (z_den t t0) as d.
assert (e : z t = zE t) by (destruct (z_is_zE t); [assumption|lra]).
rewrite e; apply (is_derive_ext_loc zE z t); [|apply zE_derivative, t0].
assert (c1 : continuous (fun x => (1 + z0) * E x + (1 - z0)) t).
{ apply (ex_derive_continuous (V := R_NormedModule)); unfold E; auto_derive; exact I. }
assert (near : locally t (fun x => 0 < (1 + z0) * E x + (1 - z0)))
  by exact (c1 (fun w => 0 < w) (open_gt 0 _ d)).
revert near; apply filter_imp; intros x px.
destruct (z_is_zE x); [symmetry; assumption|lra].
Qed.

(* The closed function starts at r0 and solves r' = norm2(r) (alpha - kappa r). *)
Theorem traj_solves : traj 0 = r0 /\
  solves_on traj (fun t => norm2 (traj t) * (alpha - kappa * traj t)).
Proof.
destruct abs_c as [a0 aa]; destruct D_sq as [d0 dd]; destruct y0_range as [_ e0]; split.
- assert (yz : y 0 = y0).
  { unfold y; rewrite z_form by lra; unfold E; rewrite !Rmult_0_r, exp_0.
    unfold z0; field; lra. }
  unfold traj; rewrite yz; symmetry; exact e0.
- intros t t0; apply is_derive_Reals; pose proof (y_range t t0) as yr.
  pose proof (z_derivative t t0) as dz.
  assert (y2 : 0 < 1 - y t ^ 2) by nra.
  assert (dy : is_derive y t (alpha * (1 - y t ^ 2) - 2 * beta * y t)).
  { unfold y; auto_derive; [exists (D * (1 - z t ^ 2)); exact dz|].
    rewrite (is_derive_unique (fun x : R => z x) _ _ dz).
    replace (D * (1 * (D * (1 - z t ^ 2))) * / alpha)
      with ((D * D - (D * z t) ^ 2) / alpha) by (field; lra).
    rewrite dd; field; lra. }
  assert (dr : is_derive traj t (Rabs c * (1 + y t ^ 2) / (1 - y t ^ 2) ^ 2
                                 * (alpha * (1 - y t ^ 2) - 2 * beta * y t))).
  { unfold traj; auto_derive.
    - assert (ex : ex_derive (fun x : R => y x) t) by (eexists; exact dy).
      simpl in y2; repeat split; try exact ex; lra.
    - rewrite (is_derive_unique (fun x : R => y x) _ _ dy); field; simpl in y2; lra. }
  assert (s : norm2 (traj t) = Rabs c * (1 + y t ^ 2) / (1 - y t ^ 2)).
  { assert (p : 0 <= Rabs c * (1 + y t ^ 2) / (1 - y t ^ 2)).
    { apply Rmult_le_pos; [apply Rmult_le_pos; [lra|pose proof (pow2_ge_0 (y t)); lra]|].
      apply Rlt_le, Rinv_0_lt_compat, y2. }
    unfold norm2; rewrite <- (sqrt_square _ p); f_equal.
    rewrite <- aa; unfold traj; field; lra. }
  replace (norm2 (traj t) * (alpha - kappa * traj t)) with
    (Rabs c * (1 + y t ^ 2) / (1 - y t ^ 2) ^ 2 * (alpha * (1 - y t ^ 2) - 2 * beta * y t)).
  + exact dr.
  + rewrite s; unfold traj, beta; field; lra.
Qed.

(* It is the only solution. *)
Theorem traj_unique r : r 0 = r0 -> solves_on r (fun t => norm2 (r t) * (alpha - kappa * r t)) ->
  forall t, 0 <= t -> r t = traj t.
Proof.
intros start dr T T0; destruct traj_solves as [s1 dq].
destruct T0 as [T0|<-]; [|rewrite s1; exact start].
destruct (bounded r _ T (Rlt_le _ _ T0) dr) as [B rB].
cut (r T - traj T = 0); [lra|].
apply (linear_zero (fun t => r t - traj t)
  (fun t => 4 * (r t + traj t) / (norm2 (r t) + norm2 (traj t)) * (alpha - kappa * r t)
            - kappa * norm2 (traj t)) (2 * (alpha + kappa * B))); [exact T0|lra| |].
- intros t [t0 _].
  pose proof (derivable_pt_lim_minus _ _ t _ _ (dr t t0) (dq t t0)) as d.
  destruct (norm2_sq (r t)) as [p1 [q1 _]]; destruct (norm2_sq (traj t)) as [p2 [q2 _]].
  set (a := norm2 (r t)) in *; set (b := norm2 (traj t)) in *.
  assert (ab : a - b = 4 * (r t + traj t) / (a + b) * (r t - traj t)).
  { apply Rmult_eq_reg_r with (a + b); [|lra].
    replace ((a - b) * (a + b)) with (a * a - b * b) by ring; rewrite q1, q2; field; lra. }
  replace ((4 * (r t + traj t) / (a + b) * (alpha - kappa * r t) - kappa * b) * (r t - traj t))
    with (a * (alpha - kappa * r t) - b * (alpha - kappa * traj t)); [exact d|].
  transitivity ((a - b) * (alpha - kappa * r t) - kappa * b * (r t - traj t)); [ring|].
  rewrite ab; ring.
- intros t tT; specialize (rB t tT).
  destruct (norm2_sq (r t)) as [p1 [_ m1]]; destruct (norm2_sq (traj t)) as [p2 [_ m2]].
  set (a := norm2 (r t)) in *; set (b := norm2 (traj t)) in *.
  set (q := 4 * (r t + traj t) / (a + b)).
  assert (q2 : Rabs q <= 2).
  { unfold q, Rdiv; rewrite Rabs_mult, (Rabs_right (/ (a + b)))
      by (apply Rle_ge, Rlt_le, Rinv_0_lt_compat; lra).
    apply Rmult_le_reg_r with (a + b); [lra|].
    replace (Rabs (4 * (r t + traj t)) * / (a + b) * (a + b)) with (Rabs (4 * (r t + traj t)))
      by (field; lra).
    rewrite Rabs_mult, (Rabs_right 4) by lra.
    pose proof (Rabs_triang (r t) (traj t)); lra. }
  assert (k1 : Rabs (alpha - kappa * r t) <= alpha + kappa * B).
  { unfold Rminus; apply Rle_trans with (1 := Rabs_triang _ _).
    rewrite Rabs_Ropp, Rabs_mult, (Rabs_right alpha), (Rabs_right kappa) by lra.
    apply Rplus_le_compat_l, Rmult_le_compat_l; lra. }
  assert (prod : q * (alpha - kappa * r t) <= 2 * (alpha + kappa * B)).
  { apply Rle_trans with (1 := Rle_abs _); rewrite Rabs_mult.
    apply Rmult_le_compat; try assumption; apply Rabs_pos. }
  assert (0 < kappa * b) by (apply Rmult_lt_0_compat; assumption); lra.
Qed.

End Closed.

(* The claim for c different from 0, every start. *)
Theorem unbalanced_trajectory alpha kappa u th : 0 < alpha -> 0 < kappa ->
  let c := u 0 ^ 2 - th 0 ^ 2 in c <> 0 ->
  solves_on u (fun t => th t * (alpha - kappa * (u t * th t))) ->
  solves_on th (fun t => u t * (alpha - kappa * (u t * th t))) ->
  forall t, 0 <= t ->
  u t ^ 2 - th t ^ 2 = c /\
  u t * th t = traj alpha kappa c (u 0 * th 0) t /\
  u t ^ 2 = / 2 * (c + sqrt (c ^ 2 + 4 * (u t * th t) ^ 2)).
Proof.
intros al0 ka0 c cn du dth.
assert (cons : forall t, 0 <= t -> u t ^ 2 - th t ^ 2 = c).
{ intros T [T0|<-]; [|reflexivity].
  cut (u T ^ 2 - th T ^ 2 - c = 0); [lra|].
  apply (linear_zero (fun t => u t ^ 2 - th t ^ 2 - c) (fun _ => 0) 0); [exact T0|unfold c; ring| |
    intros; lra].
  intros t [t0 _]; rewrite Rmult_0_l; apply is_derive_Reals.
  pose proof (proj2 (is_derive_Reals _ _ _) (du t t0)) as d1.
  pose proof (proj2 (is_derive_Reals _ _ _) (dth t t0)) as d2.
  auto_derive; [repeat split; [eexists; exact d1|eexists; exact d2]|].
  rewrite (is_derive_unique (fun x : R => u x) _ _ d1), (is_derive_unique (fun x : R => th x) _ _ d2); ring. }
assert (form : forall t, 0 <= t ->
  sqrt (c ^ 2 + 4 * (u t * th t) ^ 2) = u t ^ 2 + th t ^ 2).
{ intros t t0; pose proof (pow2_ge_0 (u t)); pose proof (pow2_ge_0 (th t)).
  rewrite <- (sqrt_square (u t ^ 2 + th t ^ 2)) by lra; f_equal.
  rewrite <- (cons t t0); ring. }
intros t t0; split; [apply cons, t0|split].
- apply (traj_unique alpha kappa c (u 0 * th 0) al0 ka0 cn (fun t => u t * th t)); [reflexivity| |exact t0].
  intros x x0; unfold norm2; rewrite (form x x0); apply is_derive_Reals.
  pose proof (proj2 (is_derive_Reals _ _ _) (du x x0)) as d1.
  pose proof (proj2 (is_derive_Reals _ _ _) (dth x x0)) as d2.
  auto_derive; [repeat split; [eexists; exact d1|eexists; exact d2]|].
  rewrite (is_derive_unique (fun x : R => u x) _ _ d1), (is_derive_unique (fun x : R => th x) _ _ d2); ring.
- rewrite (form t t0), <- (cons t t0); field.
Qed.

(* The hypotheses can be met: u = 2, theta = 1/2 is at rest for alpha = kappa.*)
Example unbalanced_instance :
  let u := fun _ : R => 2 in let th := fun _ : R => 1 / 2 in
  0 < 1 /\ u 0 ^ 2 - th 0 ^ 2 <> 0 /\
  solves_on u (fun t => th t * (1 - 1 * (u t * th t))) /\
  solves_on th (fun t => u t * (1 - 1 * (u t * th t))).
Proof.
cbv zeta; split; [lra|split; [lra|]]; split; intros t _.
- replace (1 / 2 * (1 - 1 * (2 * (1 / 2)))) with 0 by field; apply derivable_pt_lim_const.
- replace (2 * (1 - 1 * (2 * (1 / 2)))) with 0 by field; apply derivable_pt_lim_const.
Qed.
