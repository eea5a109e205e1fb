(* Claims AGG-4 and AGG-5: the fixed point (A3) has exactly one positive     *)
(* solution, the denominator identity (A6) holds at it, and the isotropic    *)
(* ridgeless case is a quadratic with one positive root.                     *)
(*                                                                           *)
(* Groups of rows: a list of (p, w), p >= 0 the fraction of rows, w >= 0 the *)
(* weight, some p w > 0. Eigenvalues: a list of sigma >= 0, some > 0.        *)
(* n > 0 and lam = lambda > 0 real.                                          *)

From Coq Require Import Reals Ranalysis5 Lra List.
From SolvableAnalysis Require Import finite_sums.
Import ListNotations.

Local Open Scope R_scope.

Section FixedPoint.

Variables (groups : list (R * R)) (spectrum : list R) (n lam : R).
Hypotheses (n0 : 0 < n) (lam0 : 0 < lam).
Hypothesis groups0 : forall g, In g groups -> 0 <= fst g /\ 0 <= snd g.
Hypothesis groups_live : exists g, In g groups /\ 0 < fst g /\ 0 < snd g.
Hypothesis spectrum0 : forall x, In x spectrum -> 0 <= x.
Hypothesis spectrum_live : exists x, In x spectrum /\ 0 < x.

(* The two right-hand sides of (A3). *)
Definition scale_of (d : R) := total groups (fun g => fst g * snd g / (1 + snd g * d)).
Definition delta_of (s : R) := 1 / n * total spectrum (fun x => x / (s * x + lam)).
Definition fixed_point (d s : R) := 0 < d /\ 0 < s /\ s = scale_of d /\ d = delta_of s.

Lemma den_group g d : In g groups -> 0 <= d -> 1 <= 1 + snd g * d.
Proof. intros ig d0; destruct (groups0 g ig); assert (0 <= snd g * d) by nra; lra. Qed.

Lemma den_spectrum x s : In x spectrum -> 0 <= s -> lam <= s * x + lam.
Proof. intros ix s0; pose proof (spectrum0 x ix); assert (0 <= s * x) by nra; lra. Qed.

Lemma scale_pos d : 0 <= d -> 0 < scale_of d.
Proof.
intro d0; unfold scale_of; rewrite <- (total_zero _ groups); apply total_lt.
- intros g ig; pose proof (den_group g d ig d0); destruct (groups0 g ig).
  apply Rmult_le_pos; [apply Rmult_le_pos; assumption|apply Rlt_le, Rinv_0_lt_compat; lra].
- destruct groups_live as [g [ig [p0 w0]]]; exists g; split; [exact ig|].
  pose proof (den_group g d ig d0); apply Rdiv_lt_0_compat; [apply Rmult_lt_0_compat; assumption|lra].
Qed.

Lemma inv_sub a b : 0 < a -> a <= b -> / b <= / a.
Proof. intros; apply Rinv_le_contravar; assumption. Qed.

Lemma scale_decreases d e : 0 <= d -> d < e -> scale_of e < scale_of d.
Proof.
intros d0 de; apply total_lt.
- intros g ig; pose proof (den_group g d ig d0); destruct (groups0 g ig).
  apply Rmult_le_compat_l; [apply Rmult_le_pos; assumption|].
  apply inv_sub; [lra|]; apply Rplus_le_compat_l, Rmult_le_compat_l; lra.
- destruct groups_live as [g [ig [p0 w0]]]; exists g; split; [exact ig|].
  pose proof (den_group g d ig d0).
  apply Rmult_lt_compat_l; [apply Rmult_lt_0_compat; assumption|].
  apply Rinv_lt_contravar; [|apply Rplus_lt_compat_l, Rmult_lt_compat_l; lra].
  apply Rmult_lt_0_compat; [lra|]; pose proof (den_group g e ig ltac:(lra)); lra.
Qed.

(* phi(delta) = s delta - s delta_of(s), both parts monotone in delta. *)
Definition part_group (d : R) (g : R * R) := fst g * snd g * d / (1 + snd g * d).
Definition part_spectrum (s x : R) := s * x / (s * x + lam).
Definition phi (d : R) :=
  total groups (part_group d) - 1 / n * total spectrum (part_spectrum (scale_of d)).

Lemma phi_form d : 0 <= d -> phi d = scale_of d * (d - delta_of (scale_of d)).
Proof.
intro d0; set (s := scale_of d); unfold phi, delta_of; fold s.
assert (e1 : total groups (part_group d) = s * d).
{ unfold s, scale_of; rewrite Rmult_comm, <- total_scal; apply total_ext; intros g ig.
  pose proof (den_group g d ig d0); unfold part_group; field; lra. }
assert (e2 : total spectrum (part_spectrum s) = s * total spectrum (fun x => x / (s * x + lam))).
{ rewrite <- total_scal; apply total_ext; intros x ix.
  pose proof (scale_pos d d0) as s0; fold s in s0.
  pose proof (den_spectrum x s ix (Rlt_le _ _ s0)); unfold part_spectrum; field; lra. }
rewrite e1, e2; ring.
Qed.

Lemma phi_increases d e : 0 <= d -> d < e -> phi d < phi e.
Proof.
intros d0 de; unfold phi.
assert (g : total groups (part_group d) < total groups (part_group e)).
{ apply total_lt.
  - intros g ig; pose proof (den_group g d ig d0); pose proof (den_group g e ig ltac:(lra)).
    destruct (groups0 g ig) as [p0 w0]; unfold part_group.
    apply Rmult_le_reg_r with ((1 + snd g * d) * (1 + snd g * e)); [nra|].
    replace (fst g * snd g * d / (1 + snd g * d) * _)
      with (fst g * snd g * (d * (1 + snd g * e))) by (field; lra).
    replace (fst g * snd g * e / (1 + snd g * e) * _)
      with (fst g * snd g * (e * (1 + snd g * d))) by (field; lra).
    apply Rmult_le_compat_l; [apply Rmult_le_pos; assumption|lra].
  - destruct groups_live as [g [ig [p0 w0]]]; exists g; split; [exact ig|].
    pose proof (den_group g d ig d0); pose proof (den_group g e ig ltac:(lra)).
    unfold part_group.
    apply Rmult_lt_reg_r with ((1 + snd g * d) * (1 + snd g * e)); [nra|].
    replace (fst g * snd g * d / (1 + snd g * d) * _)
      with (fst g * snd g * (d * (1 + snd g * e))) by (field; lra).
    replace (fst g * snd g * e / (1 + snd g * e) * _)
      with (fst g * snd g * (e * (1 + snd g * d))) by (field; lra).
    apply Rmult_lt_compat_l; [apply Rmult_lt_0_compat; assumption|lra]. }
assert (h : total spectrum (part_spectrum (scale_of e))
            <= total spectrum (part_spectrum (scale_of d))).
{ pose proof (scale_decreases d e d0 de) as sd.
  pose proof (scale_pos e ltac:(lra)) as s0.
  apply total_le; intros x ix; unfold part_spectrum.
  set (s := scale_of e) in *; set (s' := scale_of d) in *.
  pose proof (den_spectrum x s ix (Rlt_le _ _ s0)); pose proof (den_spectrum x s' ix ltac:(lra)).
  pose proof (spectrum0 x ix).
  apply Rmult_le_reg_r with ((s * x + lam) * (s' * x + lam)); [nra|].
  replace (s * x / (s * x + lam) * _) with (s * x * (s' * x + lam)) by (field; lra).
  replace (s' * x / (s' * x + lam) * _) with (s' * x * (s * x + lam)) by (field; lra).
  assert (s * x <= s' * x) by (apply Rmult_le_compat_r; lra).
  assert (s * x * lam <= s' * x * lam) by (apply Rmult_le_compat_r; lra); lra. }
assert (i0 : 0 < 1 / n) by (apply Rdiv_lt_0_compat; lra).
assert (1 / n * total spectrum (part_spectrum (scale_of e))
        <= 1 / n * total spectrum (part_spectrum (scale_of d)))
  by (apply Rmult_le_compat_l; lra).
lra.
Qed.

Lemma scale_continuous d : 0 <= d -> continuity_pt scale_of d.
Proof.
intro d0; apply (total_continuous _ groups (fun g d => fst g * snd g / (1 + snd g * d))).
intros g ig; pose proof (den_group g d ig d0).
apply continuity_pt_div; [apply continuity_pt_const; intros ? ?; reflexivity| |lra].
apply derivable_continuous_pt; reg.
Qed.

Lemma phi_continuous d : 0 <= d -> continuity_pt phi d.
Proof.
intro d0; apply continuity_pt_minus.
- apply (total_continuous _ groups (fun g d => part_group d g)).
  intros g ig; pose proof (den_group g d ig d0).
  apply continuity_pt_div; [apply derivable_continuous_pt; reg|apply derivable_continuous_pt; reg|lra].
- apply (continuity_pt_mult (fct_cte (1 / n)));
    [apply continuity_pt_const; intros ? ?; reflexivity|].
  apply (total_continuous _ spectrum (fun x d => part_spectrum (scale_of d) x)); intros x ix.
  pose proof (scale_pos d d0) as s0; pose proof (den_spectrum x _ ix (Rlt_le _ _ s0)).
  assert (c : continuity_pt (fun d => scale_of d * x) d).
  { apply (continuity_pt_mult scale_of (fct_cte x)); [apply scale_continuous, d0|].
    apply continuity_pt_const; intros ? ?; reflexivity. }
  apply continuity_pt_div; [exact c| |lra].
  apply (continuity_pt_plus (fun d => scale_of d * x) (fct_cte lam)); [exact c|].
  apply continuity_pt_const; intros ? ?; reflexivity.
Qed.

(* (A3) has exactly one positive solution; delta <= sum sigma / (n lambda).  *)
Theorem fixed_point_exists_unique : exists d s, fixed_point d s /\
  d <= 1 / (n * lam) * total spectrum (fun x => x) /\
  forall d' s', fixed_point d' s' -> d' = d /\ s' = s.
Proof.
assert (i0 : 0 < 1 / n) by (apply Rdiv_lt_0_compat; lra).
assert (dpos : forall s, 0 < s -> 0 < delta_of s).
{ intros s s0; apply Rmult_lt_0_compat; [exact i0|].
  rewrite <- (total_zero _ spectrum); apply total_lt.
  - intros x ix; pose proof (den_spectrum x s ix (Rlt_le _ _ s0)).
    apply Rmult_le_pos; [apply spectrum0, ix|apply Rlt_le, Rinv_0_lt_compat; lra].
  - destruct spectrum_live as [x [ix x0]]; exists x; split; [exact ix|].
    pose proof (den_spectrum x s ix (Rlt_le _ _ s0)); apply Rdiv_lt_0_compat; lra. }
set (top := 1 / (n * lam) * total spectrum (fun x => x)).
assert (dtop : forall s, 0 < s -> delta_of s < top).
{ intros s s0; unfold top, delta_of.
  replace (1 / (n * lam) * total spectrum (fun x => x))
    with (1 / n * (/ lam * total spectrum (fun x => x))) by (field; lra).
  apply Rmult_lt_compat_l; [exact i0|]; rewrite <- total_scal; apply total_lt.
  - intros x ix; pose proof (den_spectrum x s ix (Rlt_le _ _ s0)).
    unfold Rdiv; rewrite Rmult_comm; apply Rmult_le_compat_r; [apply spectrum0, ix|].
    apply inv_sub; lra.
  - destruct spectrum_live as [x [ix x0]]; exists x; split; [exact ix|].
    unfold Rdiv; rewrite Rmult_comm; apply Rmult_lt_compat_r; [exact x0|].
    assert (0 < s * x) by (apply Rmult_lt_0_compat; assumption).
    apply Rinv_lt_contravar; [apply Rmult_lt_0_compat|]; lra. }
assert (t0 : 0 < top) by (pose proof (dpos 1 ltac:(lra)); pose proof (dtop 1 ltac:(lra)); lra).
assert (lo : phi 0 < 0).
{ rewrite phi_form by lra; pose proof (scale_pos 0 ltac:(lra)) as s0.
  pose proof (dpos _ s0); nra. }
assert (hi : 0 < phi top).
{ rewrite phi_form by lra; pose proof (scale_pos top ltac:(lra)) as s0.
  pose proof (dtop _ s0); apply Rmult_lt_0_compat; lra. }
destruct (IVT_interv phi 0 top (fun x xx => phi_continuous x (proj1 xx)) t0 lo hi)
  as [d [[d0 dt] ed]].
assert (root : forall x s, fixed_point x s <-> 0 < x /\ s = scale_of x /\ phi x = 0).
{ intros x s; unfold fixed_point; split.
  - intros [x0 [s0 [es ex]]]; repeat split; try assumption.
    rewrite phi_form by lra; rewrite <- es, <- ex; ring.
  - intros [x0 [es ep]]; pose proof (scale_pos x ltac:(lra)) as s0; rewrite <- es in s0.
    repeat split; try assumption.
    rewrite phi_form in ep by lra; rewrite <- es in ep.
    apply Rmult_integral in ep as [z|z]; lra. }
assert (dp : 0 < d) by (destruct d0 as [?|<-]; [assumption|lra]).
exists d, (scale_of d); split; [apply root; auto|split; [exact dt|]].
intros d' s' fp; apply root in fp as [x0 [es ep]].
assert (dd : d' = d).
{ destruct (Rtotal_order d' d) as [l|[e|l]]; [|exact e|].
  - pose proof (phi_increases d' d ltac:(lra) l); lra.
  - pose proof (phi_increases d d' ltac:(lra) l); lra. }
split; [exact dd|rewrite es, dd; reflexivity].
Qed.

(* (A6): 1 - F G without cancellation, and its sign. *)
Definition G_of d := total groups (fun g => fst g * snd g ^ 2 / (1 + snd g * d) ^ 2).
Definition F_of s := 1 / n * total spectrum (fun x => x ^ 2 / (s * x + lam) ^ 2).
Definition E2_of s := 1 / n * total spectrum (fun x => x / (s * x + lam) ^ 2).

Theorem denominator_identity d s : fixed_point d s ->
  1 - F_of s * G_of d =
  1 / s * (total groups (fun g => fst g * snd g / (1 + snd g * d) ^ 2) + lam * E2_of s * G_of d)
  /\ 0 < 1 - F_of s * G_of d.
Proof.
intros [d0 [s0 [es ed]]].
set (C := total groups (fun g => fst g * snd g / (1 + snd g * d) ^ 2)).
assert (sC : s = C + d * G_of d).
{ rewrite es at 1; unfold C, G_of, scale_of; rewrite <- total_scal, <- total_plus.
  apply total_ext; intros g ig; pose proof (den_group g d ig ltac:(lra)); field; lra. }
assert (dE : d = s * F_of s + lam * E2_of s).
{ rewrite ed at 1; unfold F_of, E2_of, delta_of.
  replace (s * (1 / n * total spectrum (fun x => x ^ 2 / (s * x + lam) ^ 2))
           + lam * (1 / n * total spectrum (fun x => x / (s * x + lam) ^ 2)))
    with (1 / n * (s * total spectrum (fun x => x ^ 2 / (s * x + lam) ^ 2)
                   + lam * total spectrum (fun x => x / (s * x + lam) ^ 2))) by ring.
  f_equal; rewrite <- !total_scal, <- total_plus.
  apply total_ext; intros x ix; pose proof (den_spectrum x s ix ltac:(lra)); field; lra. }
assert (id : 1 - F_of s * G_of d = 1 / s * (C + lam * E2_of s * G_of d)).
{ apply Rmult_eq_reg_l with s; [|lra].
  replace (s * (1 / s * (C + lam * E2_of s * G_of d))) with (C + lam * E2_of s * G_of d)
    by (field; lra).
  replace (lam * E2_of s) with (d - s * F_of s) by lra; lra. }
split; [exact id|rewrite id].
assert (C0 : 0 < C).
{ unfold C; rewrite <- (total_zero _ groups); apply total_lt.
  - intros g ig; pose proof (den_group g d ig ltac:(lra)); destruct (groups0 g ig).
    apply Rmult_le_pos; [apply Rmult_le_pos; assumption|].
    apply Rlt_le, Rinv_0_lt_compat, pow_lt; lra.
  - destruct groups_live as [g [ig [p0 w0]]]; exists g; split; [exact ig|].
    pose proof (den_group g d ig ltac:(lra)).
    apply Rdiv_lt_0_compat; [apply Rmult_lt_0_compat; assumption|apply pow_lt; lra]. }
assert (E0 : 0 <= E2_of s).
{ apply Rmult_le_pos; [apply Rlt_le, Rdiv_lt_0_compat; lra|].
  rewrite <- (total_zero _ spectrum); apply total_le; intros x ix.
  pose proof (den_spectrum x s ix ltac:(lra)); apply Rmult_le_pos; [apply spectrum0, ix|].
  apply Rlt_le, Rinv_0_lt_compat, pow_lt; lra. }
assert (G0 : 0 <= G_of d).
{ unfold G_of; rewrite <- (total_zero _ groups); apply total_le; intros g ig.
  pose proof (den_group g d ig ltac:(lra)); destruct (groups0 g ig).
  apply Rmult_le_pos; [apply Rmult_le_pos; [assumption|apply pow_le; assumption]|].
  apply Rlt_le, Rinv_0_lt_compat, pow_lt; lra. }
apply Rmult_lt_0_compat; [apply Rdiv_lt_0_compat; lra|].
assert (0 <= lam * E2_of s * G_of d) by (apply Rmult_le_pos; [apply Rmult_le_pos|]; lra); lra.
Qed.

End FixedPoint.

(* ---- AGG-5(i): isotropic, lambda > 0 ------------------------------------ *)

(* delta is the only positive root of this equation (p = 1/k > 0).           *)
Theorem isotropic_delta p tau gam lam : 0 < p <= 1 -> 0 <= tau -> 0 < gam -> 0 < lam ->
  exists d, 0 < d /\ lam * d + p * d / (1 + d) + (1 - p) * tau * d / (1 + tau * d) = gam /\
  forall d', 0 < d' ->
    lam * d' + p * d' / (1 + d') + (1 - p) * tau * d' / (1 + tau * d') = gam -> d' = d.
Proof.
intros p0 tau0 gam0 lam0.
pose (groups := [(p, 1); (1 - p, tau)]).
assert (eq : forall d s, 0 < d -> fixed_point groups [1] (/ gam) lam d s <->
  s = p / (1 + d) + (1 - p) * tau / (1 + tau * d) /\
  lam * d + p * d / (1 + d) + (1 - p) * tau * d / (1 + tau * d) = gam).
{ intros d s d0; assert (td : 0 <= tau * d) by (apply Rmult_le_pos; lra).
  assert (sc : scale_of groups d = p / (1 + d) + (1 - p) * tau / (1 + tau * d))
    by (unfold scale_of, total, groups; simpl; field; lra).
  assert (s0 : 0 < scale_of groups d).
  { rewrite sc; apply Rplus_lt_le_0_compat; [apply Rdiv_lt_0_compat; lra|].
    apply Rmult_le_pos; [apply Rmult_le_pos; lra|apply Rlt_le, Rinv_0_lt_compat; lra]. }
  assert (dl : delta_of [1] (/ gam) lam (scale_of groups d) = gam / (scale_of groups d + lam))
    by (set (s1 := scale_of groups d) in *; clearbody s1; unfold delta_of, total; simpl; field; lra).
  assert (e : lam * d + p * d / (1 + d) + (1 - p) * tau * d / (1 + tau * d)
              = d * (scale_of groups d + lam)) by (rewrite sc; field; lra).
  rewrite e; unfold fixed_point; split.
  - intros [_ [_ [es ed]]]; split; [rewrite es; exact sc|].
    rewrite es, dl in ed; rewrite ed at 1; field; lra.
  - intros [es ed]; rewrite <- sc in es; subst s; repeat split; try assumption.
    rewrite dl, <- ed; field; lra. }
destruct (fixed_point_exists_unique groups [1] (/ gam) lam) as [d [s [fp [_ uniq]]]].
- apply Rinv_0_lt_compat, gam0.
- exact lam0.
- intros g [<-|[<-|[]]]; simpl; lra.
- exists (p, 1); simpl; repeat split; try lra; left; reflexivity.
- intros x [<-|[]]; lra.
- exists 1; split; [left; reflexivity|lra].
- assert (d0 : 0 < d) by apply fp.
  exists d; split; [exact d0|split; [apply (eq d s d0), fp|]].
  intros d' d0' e'; destruct (uniq d' (p / (1 + d') + (1 - p) * tau / (1 + tau * d'))) as [H _];
    [|exact H].
  apply eq; [exact d0'|split; [reflexivity|exact e']].
Qed.

(* ---- AGG-5(ii): ridgeless, 0 < tau <= 1, gamma < 1 ---------------------- *)

Section Ridgeless.

Variables p tau gam : R.
Hypotheses (p0 : 0 <= p <= 1) (tau0 : 0 < tau) (gam0 : 0 < gam < 1).

Let b := p + (1 - p) * tau - gam * (1 + tau).
Definition ridgeless_root :=
  2 * gam / (b + sqrt (b ^ 2 + 4 * tau * (1 - gam) * gam)).

(* delta s = gamma with s = p/(1+delta) + (1-p) tau/(1+tau delta), for delta > 0, *)
(* is the quadratic, and has the one positive root above.                     *)
Theorem ridgeless_delta x : 0 < x ->
  (x * (p / (1 + x) + (1 - p) * tau / (1 + tau * x)) = gam
   <-> tau * (1 - gam) * x ^ 2 + b * x - gam = 0) /\
  (tau * (1 - gam) * x ^ 2 + b * x - gam = 0 <-> x = ridgeless_root) /\
  0 < ridgeless_root.
Proof.
intro x0.
assert (tx : 0 < tau * x) by (apply Rmult_lt_0_compat; lra).
set (a := tau * (1 - gam)); assert (a0 : 0 < a) by (apply Rmult_lt_0_compat; lra).
set (w := sqrt (b ^ 2 + 4 * tau * (1 - gam) * gam)).
assert (rad : 0 < 4 * a * gam)
  by (assert (0 < a * gam) by (apply Rmult_lt_0_compat; lra); lra).
assert (ww : w * w = b ^ 2 + 4 * a * gam).
{ unfold w, a; rewrite sqrt_sqrt; [ring|]; unfold a in rad; pose proof (pow2_ge_0 b); lra. }
assert (w0 : 0 <= w) by apply sqrt_pos.
assert (bw : 0 < b + w).
{ destruct (Rle_lt_dec (b + w) 0) as [l|?]; [exfalso|assumption].
  assert (w * w <= b * b) by nra; lra. }
assert (rr : ridgeless_root = 2 * gam / (b + w)) by reflexivity.
assert (root0 : 0 < ridgeless_root) by (rewrite rr; apply Rdiv_lt_0_compat; lra).
split; [|split; [|exact root0]].
- replace (x * (p / (1 + x) + (1 - p) * tau / (1 + tau * x))) with
    (gam + (a * x ^ 2 + b * x - gam) / ((1 + x) * (1 + tau * x)))
    by (unfold a, b; field; lra).
  assert (d0 : 0 < (1 + x) * (1 + tau * x)) by (apply Rmult_lt_0_compat; lra).
  split; intro H.
  + assert (z : (a * x ^ 2 + b * x - gam) / ((1 + x) * (1 + tau * x)) = 0) by lra.
    apply Rmult_integral in z as [z|z]; [exact z|].
    pose proof (Rinv_0_lt_compat _ d0); lra.
  + rewrite H; unfold Rdiv; ring.
- assert (fac : (a * x ^ 2 + b * x - gam) * (4 * a)
                = (2 * a * x + b + w) * (2 * a * x + b - w)).
  { replace ((2 * a * x + b + w) * (2 * a * x + b - w))
      with ((2 * a * x + b) ^ 2 - w * w) by ring; rewrite ww; ring. }
  assert (rt : 2 * a * ridgeless_root = w - b).
  { rewrite rr; apply Rmult_eq_reg_r with (b + w); [|lra].
    replace (2 * a * (2 * gam / (b + w)) * (b + w)) with (4 * a * gam) by (field; lra).
    replace ((w - b) * (b + w)) with (w * w - b ^ 2) by ring; lra. }
  assert (ax : 0 < a * x) by (apply Rmult_lt_0_compat; assumption).
  split; intro H.
  + rewrite H, Rmult_0_l in fac; symmetry in fac.
    apply Rmult_integral in fac as [z|z]; [lra|].
    apply Rmult_eq_reg_l with (2 * a); lra.
  + subst x; apply Rmult_eq_reg_r with (4 * a); [|lra].
    rewrite fac, rt; ring.
Qed.

End Ridgeless.

(* The hypotheses can be met: the aggregate model with k = 4, rho = 1/2, an  *)
(* isotropic spectrum, lambda = 1/10.                                        *)
Example aggregate_instance :
  let groups := [(1 / 4, 1); (3 / 4, 1 / 2)] in
  0 < 4 /\ 0 < 1 / 10 /\
  (forall g, In g groups -> 0 <= fst g /\ 0 <= snd g) /\
  (exists g, In g groups /\ 0 < fst g /\ 0 < snd g) /\
  (forall x, In x [1] -> 0 <= x) /\ (exists x, In x [1] /\ 0 < x) /\
  0 < 1 / 4 <= 1 /\ 0 < 1 / 2 /\ 0 < 1 / 4 < 1.
Proof.
simpl; repeat split; try lra.
- destruct H as [<-|[<-|[]]]; simpl; lra.
- destruct H as [<-|[<-|[]]]; simpl; lra.
- exists (1 / 4, 1); simpl; repeat split; try lra; left; reflexivity.
- intros x [<-|[]]; lra.
- exists 1; split; [left; reflexivity|lra].
Qed.
