(* Claim NC-03: the spinodal. For M >= 2 layers a nonzero local minimiser of *)
(* g(x) = 1 / (1 + x^M) + beta x exists exactly for 0 < beta < beta_s,       *)
(*   beta_s = M ((M-1)/(M+1))^((M-1)/M) ((M+1)/(2M))^2 > beta_c.             *)
(* It is stationary with x^M > (M-1)/(M+1); at beta_s it is an inflection    *)
(* point, with x^M = (M-1)/(M+1).                                            *)

From Coq Require Import Reals Ranalysis5 Lra Lia.
From SolvableAnalysis Require Import mode_threshold.

Local Open Scope R_scope.

Definition spinodal_point (M : nat) := Rpower ((INR M - 1) / (INR M + 1)) (1 / INR M).
Definition beta_s (M : nat) :=
  INR M * Rpower ((INR M - 1) / (INR M + 1)) ((INR M - 1) / INR M)
  * ((INR M + 1) / (2 * INR M)) ^ 2.
Definition local_minimiser (M : nat) (beta a : R) :=
  0 < a /\ exists delta, 0 < delta /\
    forall x, 0 <= x -> Rabs (x - a) < delta -> cost M beta a <= cost M beta x.

(* ---- the largest value of the stationarity curve ------------------------ *)

(* (M+1) + (M-1) s^(2M) >= 2 M s^(M-1), by e^z >= 1 + z. *)
Lemma spinodal_amgm M s : (2 <= M)%nat -> 0 < s -> s <> 1 ->
  2 * INR M * s ^ (M - 1) < INR M + 1 + (INR M - 1) * s ^ (2 * M).
Proof.
intros M2 s0 s1; set (y := ln s).
assert (y0 : y <> 0).
{ intro e; apply s1; rewrite <- (exp_ln s s0); fold y; rewrite e; apply exp_0. }
assert (k2 : 2 <= INR M) by (apply (le_INR 2); exact M2).
assert (p1 : s ^ (M - 1) = exp ((INR M - 1) * y)).
{ rewrite <- Rpower_pow by exact s0; unfold Rpower; rewrite minus_INR by lia; reflexivity. }
assert (p2 : s ^ (2 * M) = exp ((INR M - 1) * y) * exp ((INR M + 1) * y)).
{ rewrite <- Rpower_pow by exact s0; unfold Rpower; rewrite <- exp_plus, mult_INR; f_equal.
  unfold y; simpl; ring. }
rewrite p1, p2; set (E := exp ((INR M - 1) * y)); assert (E0 : 0 < E) by apply exp_pos.
assert (Ei : E * exp (- ((INR M - 1) * y)) = 1)
  by (unfold E; rewrite <- exp_plus, Rplus_opp_r; apply exp_0).
pose proof (exp_ineq1_le (- ((INR M - 1) * y))) as low.
assert (high : 1 + (INR M + 1) * y < exp ((INR M + 1) * y)).
{ apply exp_ineq1; intro e; apply Rmult_integral in e as [e|e]; [lra|contradiction]. }
assert ((INR M + 1) * (1 + - ((INR M - 1) * y))
        <= (INR M + 1) * exp (- ((INR M - 1) * y))) by (apply Rmult_le_compat_l; lra).
assert ((INR M - 1) * (1 + (INR M + 1) * y)
        < (INR M - 1) * exp ((INR M + 1) * y)) by (apply Rmult_lt_compat_l; lra).
assert (sum : E * (2 * INR M) < E * ((INR M + 1) * exp (- ((INR M - 1) * y))
                                     + (INR M - 1) * exp ((INR M + 1) * y)))
  by (apply Rmult_lt_compat_l; lra).
replace (E * ((INR M + 1) * exp (- ((INR M - 1) * y)) + (INR M - 1) * exp ((INR M + 1) * y)))
  with ((INR M + 1) * (E * exp (- ((INR M - 1) * y)))
        + (INR M - 1) * (E * exp ((INR M + 1) * y))) in sum by ring.
rewrite Ei in sum; lra.
Qed.

Section Spinodal.

Variable M : nat.
Hypothesis M2 : (2 <= M)%nat.

Let M1 : (1 <= M)%nat := Nat.le_trans _ _ _ (Nat.le_succ_diag_r 1) M2.

Lemma two_le : 2 <= INR M.
Proof. apply (le_INR 2); exact M2. Qed.

Lemma spinodal_pos : 0 < spinodal_point M.
Proof. apply exp_pos. Qed.

Lemma spinodal_pow : spinodal_point M ^ M = (INR M - 1) / (INR M + 1).
Proof.
pose proof two_le; apply root_pow; [exact M1|apply Rdiv_lt_0_compat; lra].
Qed.

Lemma beta_s_at : beta_s M = beta_at M (spinodal_point M).
Proof.
pose proof two_le; unfold beta_at; rewrite spinodal_pow.
replace (spinodal_point M ^ (M - 1))
  with (Rpower ((INR M - 1) / (INR M + 1)) ((INR M - 1) / INR M)).
- unfold beta_s; field; lra.
- rewrite <- Rpower_pow by apply spinodal_pos; unfold spinodal_point.
  rewrite Rpower_mult; f_equal; rewrite minus_INR by exact M1; simpl; field; lra.
Qed.

(* The stationarity curve stays below beta_s and touches it once. *)
Theorem stationary_below_spinodal x : 0 <= x -> x <> spinodal_point M ->
  beta_at M x < beta_s M.
Proof.
intros x0 xs; pose proof two_le as k2; pose proof spinodal_pos as c0.
rewrite beta_s_at; set (c := spinodal_point M) in *.
assert (cp : c ^ M = (INR M - 1) / (INR M + 1)) by apply spinodal_pow.
assert (cm : 0 < c ^ (M - 1)) by (apply pow_lt, c0).
destruct (Req_dec x 0) as [->|xn].
{ unfold beta_at at 1; rewrite pow_i by lia; unfold Rdiv; rewrite Rmult_0_r, Rmult_0_l.
  apply Rdiv_lt_0_compat; [apply Rmult_lt_0_compat; lra|].
  apply pow_lt, den_pos; lra. }
set (s := sqrt (x / c)).
assert (xc : 0 < x / c) by (apply Rdiv_lt_0_compat; lra).
assert (s0 : 0 < s) by (apply sqrt_lt_R0, xc).
assert (ss : s ^ 2 = x / c) by (simpl; rewrite Rmult_1_r; apply sqrt_sqrt; lra).
assert (s1 : s <> 1).
{ intro e; apply xs; rewrite e in ss; replace x with (x / c * c) by (field; lra).
  rewrite <- ss; ring. }
pose proof (spinodal_amgm M s M2 s0 s1) as am.
assert (xe : x = c * s ^ 2) by (rewrite ss; field; lra).
assert (xM : x ^ M = c ^ M * s ^ (2 * M)) by (rewrite xe, Rpow_mult_distr, <- pow_mult; reflexivity).
assert (xm : x ^ (M - 1) = c ^ (M - 1) * (s ^ (M - 1)) ^ 2).
{ rewrite xe, Rpow_mult_distr, <- !pow_mult; f_equal; f_equal; lia. }
assert (sm : 0 < s ^ (M - 1)) by (apply pow_lt, s0).
assert (sM : 0 < s ^ (2 * M)) by (apply pow_lt, s0).
unfold beta_at; rewrite xm, xM, cp; set (u := s ^ (M - 1)) in *; set (T := s ^ (2 * M)) in *.
replace (1 + (INR M - 1) / (INR M + 1)) with (2 * INR M / (INR M + 1)) by (field; lra).
replace (1 + (INR M - 1) / (INR M + 1) * T)
  with ((INR M + 1 + (INR M - 1) * T) / (INR M + 1)) by (field; lra).
set (D := INR M + 1 + (INR M - 1) * T) in *.
assert (D0 : 0 < D) by (assert (0 < INR M * u) by (apply Rmult_lt_0_compat; lra); lra).
assert (sq : (2 * INR M * u) ^ 2 < D ^ 2).
{ assert (0 < INR M * u) by (apply Rmult_lt_0_compat; lra); nra. }
apply Rmult_lt_reg_r with (D ^ 2 * (2 * INR M) ^ 2);
  [apply Rmult_lt_0_compat; apply pow_lt; lra|].
replace (INR M * (c ^ (M - 1) * u ^ 2) / (D / (INR M + 1)) ^ 2 * (D ^ 2 * (2 * INR M) ^ 2))
  with (INR M * c ^ (M - 1) * (INR M + 1) ^ 2 * (2 * INR M * u) ^ 2) by (field; lra).
replace (INR M * c ^ (M - 1) / (2 * INR M / (INR M + 1)) ^ 2 * (D ^ 2 * (2 * INR M) ^ 2))
  with (INR M * c ^ (M - 1) * (INR M + 1) ^ 2 * D ^ 2) by (field; lra).
apply Rmult_lt_compat_l; [|exact sq].
apply Rmult_lt_0_compat; [apply Rmult_lt_0_compat|apply pow_lt]; lra.
Qed.

Theorem spinodal_above_threshold : beta_c M < beta_s M.
Proof.
pose proof two_le as k2; pose proof (tie_point_pow M M2) as tp.
replace (beta_c M) with (beta_at M (tie_point M)).
- apply stationary_below_spinodal; [apply Rlt_le, tie_point_pos|].
  intro e; rewrite e, spinodal_pow in tp.
  assert (f : (INR M - 1) / (INR M + 1) * (INR M + 1) = INR M - 1) by (field; lra).
  rewrite tp in f; nra.
- unfold beta_at; rewrite tp, beta_c_tie by exact M2; field; lra.
Qed.

(* ---- local minimisers --------------------------------------------------- *)

Lemma cost_derivative beta x : 0 <= x ->
  derivable_pt_lim (cost M beta) x (beta - beta_at M x).
Proof.
intro x0; pose proof (den_pos M x x0) as d.
assert (p : derivable_pt_lim (fun y => 1 + y ^ M) x (0 + INR M * x ^ pred M)).
{ apply (derivable_pt_lim_plus (fct_cte 1) (fun y => y ^ M)).
  - apply derivable_pt_lim_const.
  - apply derivable_pt_lim_pow. }
pose proof (derivable_pt_lim_div (fct_cte 1) (fun y => 1 + y ^ M) x 0 _
  (derivable_pt_lim_const 1 x) p ltac:(lra)) as q.
pose proof (derivable_pt_lim_scal id beta x 1 (derivable_pt_lim_id x)) as r.
pose proof (derivable_pt_lim_plus _ _ x _ _ q r) as s.
apply (derivable_pt_lim_ext _ (cost M beta)) in s.
- replace (beta - beta_at M x) with
    ((0 * (1 + x ^ M) - (0 + INR M * x ^ pred M) * fct_cte 1 x) / Rsqr (1 + x ^ M) + beta * 1).
  + exact s.
  + unfold beta_at, fct_cte, Rsqr; replace (M - 1)%nat with (pred M) by lia; field; lra.
- intro y; unfold plus_fct, div_fct, mult_real_fct, fct_cte, id, cost.
  unfold Rdiv; ring.
Qed.

Lemma cost_mean_value beta x y : 0 <= x -> x < y ->
  exists c, cost M beta y - cost M beta x = (beta - beta_at M c) * (y - x) /\ x < c < y.
Proof.
intros x0 xy; apply (MVT_cor2 (cost M beta) (fun c => beta - beta_at M c)); [exact xy|].
intros c cx; apply cost_derivative; lra.
Qed.

Theorem local_minimiser_iff_below_spinodal beta : 0 < beta ->
  (exists a, local_minimiser M beta a) <-> beta < beta_s M.
Proof.
intro b0; pose proof spinodal_pos as c0; split.
- intros [a [a0 [delta [d0 lm]]]]; destruct (Rlt_le_dec beta (beta_s M)) as [?|bs]; [assumption|exfalso].
  set (c := spinodal_point M) in *.
  (* a point left of a, so close that c is not between *)
  assert (near : exists x, 0 <= x /\ x < a /\ a - x < delta /\ (c <= x \/ a <= c)).
  { destruct (Rlt_le_dec c a) as [ca|ac].
    - exists (Rmax c (a - delta / 2)); unfold Rmax.
      destruct (Rle_dec c (a - delta / 2)); repeat split; lra.
    - exists (Rmax 0 (a - delta / 2)); unfold Rmax.
      destruct (Rle_dec 0 (a - delta / 2)); repeat split; lra. }
  destruct near as [x [x0 [xa [xd away]]]].
  destruct (cost_mean_value beta x a x0 xa) as [y [e [xy ya]]].
  assert (yc : y <> c) by (intro; destruct away; lra).
  pose proof (stationary_below_spinodal y ltac:(lra) yc).
  assert (0 < (beta - beta_at M y) * (a - x)) by (apply Rmult_lt_0_compat; lra).
  specialize (lm x x0); rewrite Rabs_left in lm by lra; lra.
- intro bs; destruct (beta_at_small M beta (spinodal_point M) M1 b0) as [z [z1 [cz zb]]].
  set (c := spinodal_point M) in *.
  assert (cont : forall x, c <= x <= z + 1 -> continuity_pt (cost M beta) x).
  { intros x cx; apply derivable_continuous_pt; exists (beta - beta_at M x).
    apply cost_derivative; lra. }
  destruct (continuity_ab_min (cost M beta) c (z + 1) ltac:(lra) cont) as [a [la ca]].
  assert (ac : a <> c).
  { intros ->; pose proof (cost_derivative beta c ltac:(lra)) as der.
    unfold c in der at 2; rewrite <- beta_s_at in der.
    destruct (der (beta_s M - beta)) as [delta H]; [lra|].
    set (k := Rmin (delta / 2) (z + 1 - c)).
    pose proof (cond_pos delta) as d0.
    assert (k0 : 0 < k) by (unfold k; apply Rmin_pos; lra).
    assert (k1 : k <= delta / 2) by apply Rmin_l.
    assert (k2 : k <= z + 1 - c) by apply Rmin_r.
    specialize (H k ltac:(lra)); rewrite Rabs_right in H by lra; specialize (H ltac:(lra)).
    apply Rabs_def2 in H as [H _].
    specialize (la (c + k) ltac:(lra)).
    assert (neg : (cost M beta (c + k) - cost M beta c) / k < 0) by lra.
    assert (0 <= (cost M beta (c + k) - cost M beta c) / k); [|lra].
    apply Rmult_le_pos; [lra|apply Rlt_le, Rinv_0_lt_compat, k0]. }
  assert (az : a <> z + 1).
  { intros ->; destruct (cost_mean_value beta z (z + 1)) as [y [e [zy _]]]; [lra|lra|].
    assert (beta_at M y < beta).
    { apply beta_at_decay; [exact M1|lra|].
      apply Rlt_trans with (1 := zb); apply Rmult_lt_compat_l; lra. }
    specialize (la z ltac:(lra)); lra. }
  exists a; split; [lra|]; exists (Rmin (a - c) (z + 1 - a)).
  split; [apply Rmin_pos; lra|]; intros x x0 xd; apply la.
  pose proof (Rmin_l (a - c) (z + 1 - a)); pose proof (Rmin_r (a - c) (z + 1 - a)).
  apply Rabs_def2 in xd; lra.
Qed.

End Spinodal.

(* The hypotheses can be met. *)
Example spinodal_instance : (2 <= 2)%nat /\ 0 <= 0 /\ 0 <> spinodal_point 2 /\ 0 < 1 / 2.
Proof. repeat split; try lia; try lra; pose proof (spinodal_pos 2); lra. Qed.
