(* Claim AGG-2: the gap between the instance-level and the bag-level loss    *)
(* for general losses.                                                       *)
(*                                                                           *)
(* A bag is a pair (y, fs): its mean label and the list of the predictions   *)
(* of its k >= 1 members; bags is the list of the m >= 1 bags, n = m k. The  *)
(* loss of a label y and a prediction f is l y f.                            *)

From Coq Require Import Reals Lra List.
From Coquelicot Require Import Coquelicot.
From SolvableAnalysis Require Import finite_sums.
Import ListNotations.

Local Open Scope R_scope.

Definition mean (fs : list R) : R := total fs (fun f => f) / INR (length fs).
Definition instance_loss (l : R -> R -> R) (k : nat) (bags : list (R * list R)) : R :=
  1 / (INR (length bags) * INR k) * total bags (fun b => total (snd b) (l (fst b))).
Definition bag_loss (l : R -> R -> R) (bags : list (R * list R)) : R :=
  1 / INR (length bags) * total bags (fun b => l (fst b) (mean (snd b))).
Definition bag_gap (g : R -> R) (fs : list R) : R :=
  1 / INR (length fs) * total fs g - g (mean fs).
(* V: the variance of the predictions within the bags. *)
Definition within (k : nat) (bags : list (R * list R)) : R :=
  1 / (INR (length bags) * INR k)
  * total bags (fun b => total (snd b) (fun f => (f - mean (snd b)) ^ 2)).

Definition convex (g : R -> R) : Prop :=
  forall x y t, 0 <= t <= 1 -> g (t * x + (1 - t) * y) <= t * g x + (1 - t) * g y.

(* Jensen for the mean of a list. *)
Lemma jensen g fs : convex g -> fs <> [] -> 0 <= bag_gap g fs.
Proof.
intros cg ne; unfold bag_gap, mean.
cut (g (total fs (fun f => f) / INR (length fs)) <= total fs g / INR (length fs)).
{ unfold Rdiv; rewrite Rmult_1_l; lra. }
destruct fs as [|f fs]; [contradiction|]; clear ne; revert f.
induction fs as [|f' fs IH]; intro f.
- simpl; replace ((f + 0) / 1) with f by field; lra.
- specialize (IH f'); set (fs' := f' :: fs) in *.
  set (S1 := total fs' (fun f => f)) in *; set (S2 := total fs' g) in *.
  change (total (f :: fs') (fun f => f)) with (f + S1).
  change (total (f :: fs') g) with (g f + S2).
  change (length (f :: fs')) with (S (length fs')); rewrite S_INR.
  assert (k0 : 0 < INR (length fs')) by (apply lt_0_INR; simpl; auto with arith).
  set (k := INR (length fs')) in *.
  pose proof (cg f (S1 / k) (1 / (k + 1))) as c.
  replace (1 / (k + 1) * f + (1 - 1 / (k + 1)) * (S1 / k)) with ((f + S1) / (k + 1)) in c
    by (field; lra).
  assert (t01 : 0 <= 1 / (k + 1) <= 1).
  { split; [apply Rlt_le, Rdiv_lt_0_compat; lra|].
    apply Rmult_le_reg_r with (k + 1); [lra|].
    replace (1 / (k + 1) * (k + 1)) with 1 by (field; lra); lra. }
  apply Rle_trans with (1 := c t01).
  replace ((g f + S2) / (k + 1)) with (1 / (k + 1) * g f + (1 - 1 / (k + 1)) * (S2 / k))
    by (field; lra).
  apply Rplus_le_compat_l, Rmult_le_compat_l; lra.
Qed.

Section Bags.

Variables (k : nat) (bags : list (R * list R)).
Hypothesis bag_size : forall b, In b bags -> length (snd b) = k.
Hypotheses (k1 : (1 <= k)%nat) (m1 : bags <> []).

Lemma m_pos : 0 < INR (length bags).
Proof. apply lt_0_INR; destruct bags; [contradiction|simpl; auto with arith]. Qed.

Lemma k_pos : 0 < INR k.
Proof. apply lt_0_INR; exact k1. Qed.

(* The identity. *)
Theorem loss_gap l : instance_loss l k bags - bag_loss l bags
  = 1 / INR (length bags) * total bags (fun b => bag_gap (l (fst b)) (snd b)).
Proof.
pose proof m_pos; pose proof k_pos; unfold instance_loss, bag_loss.
replace (1 / (INR (length bags) * INR k) * total bags (fun b => total (snd b) (l (fst b))))
  with (1 / INR (length bags) * (1 / INR k * total bags (fun b => total (snd b) (l (fst b)))))
  by (field; lra).
rewrite <- Rmult_minus_distr_l; f_equal.
rewrite <- total_scal, <- total_minus; apply total_ext; intros b ib.
unfold bag_gap; rewrite (bag_size b ib); ring.
Qed.

(* 1. Convex losses. *)
Theorem convex_gap l : (forall y, convex (l y)) -> 0 <= instance_loss l k bags - bag_loss l bags.
Proof.
intro cl; pose proof m_pos; rewrite loss_gap; apply Rmult_le_pos.
- apply Rlt_le, Rdiv_lt_0_compat; lra.
- rewrite <- (total_zero _ bags); apply total_le; intros b ib.
  apply jensen; [apply cl|]; intro e; specialize (bag_size b ib); rewrite e in bag_size.
  simpl in bag_size; subst k; inversion k1.
Qed.

(* 2. Canonical generalised linear models: no label is left. *)
Theorem glm_gap psi : instance_loss (fun y f => psi f - y * f) k bags
                      - bag_loss (fun y f => psi f - y * f) bags
  = 1 / INR (length bags) * total bags (fun b => bag_gap psi (snd b)).
Proof.
rewrite loss_gap; f_equal; apply total_ext; intros [y fs] ib; simpl.
pose proof (bag_size _ ib) as len; pose proof k_pos; simpl in len; unfold bag_gap, mean.
rewrite len.
assert (e : total fs (fun f => psi f - y * f) = total fs psi - y * total fs (fun f => f)).
{ rewrite total_minus, total_scal; reflexivity. }
rewrite e; field; lra.
Qed.

(* Deviations from the mean sum to zero. *)
Lemma deviations fs : length fs = k -> total fs (fun f => f - mean fs) = 0.
Proof.
intro len; pose proof k_pos; rewrite total_minus, total_const.
unfold mean; rewrite len; field; lra.
Qed.

(* 3. Twice continuously differentiable losses. *)
Section Smooth.

Variables l l1 l2 : R -> R -> R.
Hypothesis d1 : forall y f, is_derive (l y) f (l1 y f).
Hypothesis d2 : forall y f, is_derive (l1 y) f (l2 y f).
Hypothesis c2 : forall y f, continuous (l2 y) f.

(* The weight of the squared deviation. *)
Definition remainder (y a f : R) : R := RInt (fun t => (1 - t) * l2 y (a + t * (f - a))) 0 1.

Lemma affine_continuous y a f t : continuous (fun t => (1 - t) * l2 y (a + t * (f - a))) t.
Proof.
apply (continuous_mult (fun t => 1 - t) (fun t => l2 y (a + t * (f - a)))).
- apply (continuous_minus (fun _ => 1) (fun t => t));
    [apply continuous_const|apply continuous_id].
- apply (continuous_comp (fun t => a + t * (f - a)) (l2 y)); [|apply c2].
  apply (continuous_plus (fun _ => a) (fun t => t * (f - a))); [apply continuous_const|].
  apply (continuous_mult (fun t => t) (fun _ => f - a)); [apply continuous_id|apply continuous_const].
Qed.

Lemma taylor y a f : l y f = l y a + l1 y a * (f - a) + (f - a) ^ 2 * remainder y a f.
Proof.
pose (g := fun t => (1 - t) * (f - a) * l1 y (a + t * (f - a)) + l y (a + t * (f - a))).
pose (g' := fun t => (f - a) ^ 2 * ((1 - t) * l2 y (a + t * (f - a)))).
assert (dg : forall t, is_derive g t (g' t)).
{ intro t; unfold g, g'.
  assert (da : is_derive (fun t => a + t * (f - a)) t (f - a)) by (auto_derive; [exact I|ring]).
  pose proof (is_derive_comp (l1 y) (fun t => a + t * (f - a)) t _ _ (d2 y _) da) as e1.
  pose proof (is_derive_comp (l y) (fun t => a + t * (f - a)) t _ _ (d1 y _) da) as e2.
  assert (du : is_derive (fun t => (1 - t) * (f - a)) t (- (f - a))) by (auto_derive; [exact I|ring]).
  pose proof (is_derive_plus _ _ t _ _ (is_derive_mult _ _ t _ _ du e1 Rmult_comm) e2) as e.
  eapply eq_ind; [exact e|].
  unfold plus, mult, scal; simpl; unfold mult; simpl; ring. }
assert (int : is_RInt g' 0 1 (g 1 - g 0)).
{ apply (is_RInt_derive g g'); intros t _; [apply dg|].
  apply (continuous_scal_r ((f - a) ^ 2) (fun t => (1 - t) * l2 y (a + t * (f - a)))).
  apply affine_continuous. }
assert (rem : is_RInt g' 0 1 ((f - a) ^ 2 * remainder y a f)).
{ apply (is_RInt_scal (fun t => (1 - t) * l2 y (a + t * (f - a))) 0 1 ((f - a) ^ 2)).
  apply (RInt_correct (V := R_CompleteNormedModule)), ex_RInt_continuous.
  intros t _; apply affine_continuous. }
pose proof (is_RInt_unique _ _ _ _ int) as e1; pose proof (is_RInt_unique _ _ _ _ rem) as e2.
assert (e : g 1 - g 0 = (f - a) ^ 2 * remainder y a f) by (rewrite <- e1; exact e2).
unfold g in e.
replace (a + 1 * (f - a)) with f in e by ring; replace (a + 0 * (f - a)) with a in e by ring.
lra.
Qed.

Theorem smooth_gap : instance_loss l k bags - bag_loss l bags
  = 1 / (INR (length bags) * INR k) * total bags (fun b => total (snd b)
      (fun f => (f - mean (snd b)) ^ 2 * remainder (fst b) (mean (snd b)) f)).
Proof.
pose proof m_pos; pose proof k_pos; rewrite loss_gap.
replace (1 / (INR (length bags) * INR k)) with (1 / INR (length bags) * (1 / INR k)) by (field; lra).
rewrite Rmult_assoc; f_equal; rewrite <- total_scal; apply total_ext; intros [y fs] ib.
change (snd (y, fs)) with fs; change (fst (y, fs)) with y.
pose proof (bag_size _ ib) as len; simpl in len.
pose proof (deviations fs len) as dev; unfold bag_gap; rewrite len; set (a := mean fs) in *.
rewrite (total_ext _ fs (l y) (fun f => l y a + (l1 y a * (f - a) + (f - a) ^ 2 * remainder y a f)))
  by (intros f _; rewrite (taylor y a f); ring).
rewrite total_plus, total_plus, total_const, total_scal, dev, len; field; lra.
Qed.

Lemma integral_of_weight c : is_RInt (fun t => (1 - t) * c) 0 1 (c / 2).
Proof.
replace (c / 2) with (minus ((1 - 1 ^ 2 / 2) * c) ((0 - 0 ^ 2 / 2) * c))
  by (unfold minus, plus, opp; simpl; field).
apply (is_RInt_derive (fun t => (t - t ^ 2 / 2) * c) (fun t => (1 - t) * c)).
- intros t _; auto_derive; [exact I|field].
- intros t _; apply (continuous_mult (fun t => 1 - t) (fun _ => c)); [|apply continuous_const].
  apply (continuous_minus (fun _ => 1) (fun t => t)); [apply continuous_const|apply continuous_id].
Qed.

Lemma remainder_bounds lo hi y a f : (forall f, lo <= l2 y f <= hi) ->
  lo / 2 <= remainder y a f <= hi / 2.
Proof.
intro lh; assert (ex : is_RInt (fun t => (1 - t) * l2 y (a + t * (f - a))) 0 1 (remainder y a f)).
{ apply (RInt_correct (V := R_CompleteNormedModule)), ex_RInt_continuous.
  intros t _; apply affine_continuous. }
split.
- apply (is_RInt_le (fun t => (1 - t) * lo) (fun t => (1 - t) * l2 y (a + t * (f - a))) 0 1);
    [lra|apply integral_of_weight|exact ex|].
  intros t t01; apply Rmult_le_compat_l; [lra|apply lh].
- apply (is_RInt_le (fun t => (1 - t) * l2 y (a + t * (f - a))) (fun t => (1 - t) * hi) 0 1);
    [lra|exact ex|apply integral_of_weight|].
  intros t t01; apply Rmult_le_compat_l; [lra|apply lh].
Qed.

(* Curvature bounds give bounds by V. *)
Theorem smooth_bounds lo hi : (forall y f, lo <= l2 y f <= hi) ->
  lo / 2 * within k bags <= instance_loss l k bags - bag_loss l bags <= hi / 2 * within k bags.
Proof.
intro lh; pose proof m_pos; pose proof k_pos; rewrite smooth_gap; unfold within.
assert (s0 : 0 < 1 / (INR (length bags) * INR k))
  by (apply Rdiv_lt_0_compat; [|apply Rmult_lt_0_compat]; lra).
set (s := 1 / (INR (length bags) * INR k)) in *.
replace (lo / 2 * (s * _)) with (s * (lo / 2 * total bags (fun b => total (snd b)
  (fun f => (f - mean (snd b)) ^ 2)))) by ring.
replace (hi / 2 * (s * _)) with (s * (hi / 2 * total bags (fun b => total (snd b)
  (fun f => (f - mean (snd b)) ^ 2)))) by ring.
split; apply Rmult_le_compat_l; try lra; rewrite <- total_scal; apply total_le; intros b _;
  rewrite <- total_scal; apply total_le; intros f _;
  pose proof (remainder_bounds lo hi (fst b) (mean (snd b)) f (lh (fst b))) as rb;
  pose proof (pow2_ge_0 (f - mean (snd b))) as sq.
- rewrite Rmult_comm; apply Rmult_le_compat_l; lra.
- rewrite (Rmult_comm (hi / 2)); apply Rmult_le_compat_l; lra.
Qed.

End Smooth.

(* Squared loss: the gap is V. *)
Theorem squared_gap :
  instance_loss (fun y f => (y - f) ^ 2) k bags - bag_loss (fun y f => (y - f) ^ 2) bags
  = within k bags.
Proof.
pose proof (smooth_bounds (fun y f => (y - f) ^ 2) (fun y f => -2 * (y - f)) (fun _ _ => 2)) as b.
destruct (b ltac:(intros; auto_derive; [exact I|ring]) ltac:(intros; auto_derive; [exact I|ring])
  ltac:(intros; apply continuous_const) 2 2 ltac:(intros; lra)) as [lo hi].
lra.
Qed.

(* Logistic loss log(1 + e^f) - y f: the gap is between 0 and V / 8. *)
Theorem logistic_gap :
  0 <= instance_loss (fun y f => ln (1 + exp f) - y * f) k bags
       - bag_loss (fun y f => ln (1 + exp f) - y * f) bags <= within k bags / 8.
Proof.
pose proof (smooth_bounds (fun y f => ln (1 + exp f) - y * f)
  (fun y f => exp f / (1 + exp f) - y) (fun _ f => exp f / (1 + exp f) ^ 2)) as b.
assert (e1 : forall f, 0 < 1 + exp f) by (intro f; pose proof (exp_pos f); lra).
destruct b with (lo := 0) (hi := 1 / 4) as [lo hi].
- intros y f; pose proof (e1 f); auto_derive; [repeat split; lra|field; lra].
- intros y f; pose proof (e1 f); auto_derive; [repeat split; lra|field; lra].
- intros y f; apply (ex_derive_continuous (V := R_NormedModule)); pose proof (e1 f).
  auto_derive; assert (0 < (1 + exp f) ^ 2) by (apply pow_lt; lra); simpl in *; lra.
- intros y f; pose proof (exp_pos f); pose proof (e1 f).
  assert (0 < (1 + exp f) ^ 2) by (apply pow_lt; lra).
  split; [apply Rlt_le, Rdiv_lt_0_compat; lra|].
  apply Rmult_le_reg_r with ((1 + exp f) ^ 2); [lra|].
  replace (exp f / (1 + exp f) ^ 2 * (1 + exp f) ^ 2) with (exp f) by (field; lra).
  pose proof (pow2_ge_0 (1 - exp f)); lra.
- lra.
Qed.

(* The whole claim. *)
Theorem general_losses :
  (forall l, instance_loss l k bags - bag_loss l bags
     = 1 / INR (length bags) * total bags (fun b => bag_gap (l (fst b)) (snd b))) /\
  (forall l, (forall y, convex (l y)) -> 0 <= instance_loss l k bags - bag_loss l bags) /\
  (forall psi, let l y f := psi f - y * f in instance_loss l k bags - bag_loss l bags
     = 1 / INR (length bags) * total bags (fun b => bag_gap psi (snd b))) /\
  (forall l l1 l2, (forall y f, is_derive (l y) f (l1 y f)) ->
     (forall y f, is_derive (l1 y) f (l2 y f)) -> (forall y f, continuous (l2 y) f) ->
     instance_loss l k bags - bag_loss l bags
     = 1 / (INR (length bags) * INR k) * total bags (fun b => total (snd b) (fun f =>
         (f - mean (snd b)) ^ 2 * RInt (fun t => (1 - t)
           * l2 (fst b) (mean (snd b) + t * (f - mean (snd b)))) 0 1)) /\
     forall lo hi, (forall y f, lo <= l2 y f <= hi) ->
       lo / 2 * within k bags <= instance_loss l k bags - bag_loss l bags
       <= hi / 2 * within k bags) /\
  (let l y f := (y - f) ^ 2 in instance_loss l k bags - bag_loss l bags = within k bags) /\
  (let l y f := ln (1 + exp f) - y * f in
     0 <= instance_loss l k bags - bag_loss l bags <= within k bags / 8).
Proof.
split; [exact loss_gap|split; [exact convex_gap|split; [exact glm_gap|split; [|split]]]].
- intros l l1 l2 d1 d2 c2; split; [exact (smooth_gap l l1 l2 d1 d2 c2)|].
  exact (smooth_bounds l l1 l2 d1 d2 c2).
- exact squared_gap.
- exact logistic_gap.
Qed.

End Bags.

(* The hypotheses can be met: two bags of two; a convex smooth loss. *)
Example loss_instance :
  (forall b, In b [(1, [0; 2]); (0, [1; 1])] -> length (snd b) = 2%nat) /\
  (1 <= 2)%nat /\ [(1, [0; 2]); (0, [1; 1])] <> [] /\
  (forall y : R, convex (fun f => y * f)) /\
  (forall y f, is_derive (fun f => y * f) f y) /\
  (forall y f : R, is_derive (fun _ : R => y) f 0) /\
  (forall y f : R, continuous (fun _ : R => 0) f) /\ (forall y f : R, 0 <= 0 <= 1).
Proof.
split; [intros b [<-|[<-|[]]]; reflexivity|].
split; [auto with arith|split; [discriminate|]].
split; [intros y x z t _; lra|].
split; [intros y f; auto_derive; [exact I|ring]|].
split; [intros y f; auto_derive; [exact I|ring]|].
split; [intros; apply continuous_const|intros; lra].
Qed.
