(* Claims NC-12 and NC-13, first step of the lower bound at every depth: the *)
(* balanced cross-entropy of any logits is at least the one of equal margins *)
(* with the same mean margin, and a bias does not change the mean margin.    *)
(*                                                                           *)
(* Classes are 0, ..., K-1; a sample is a pair (y, z) of its class and its   *)
(* logits, a function of the class. margin K s is the mean over the other    *)
(* classes of z_y - z_i; mean_margin averages it over the samples.           *)

From Coq Require Import Reals Lra Lia List.
From SolvableAnalysis Require Import finite_sums ce_margin.
Import ListNotations.

Local Open Scope R_scope.

Notation sample := (nat * (nat -> R))%type.
Definition cross_entropy (K : nat) (s : sample) : R :=
  ln (total (seq 0 K) (fun i => exp (snd s i))) - snd s (fst s).
Definition margin (K : nat) (s : sample) : R :=
  1 / (INR K - 1) * total (seq 0 K) (fun i => snd s (fst s) - snd s i).
Definition data_term (K : nat) (l : list sample) : R :=
  1 / INR (length l) * total l (cross_entropy K).
Definition mean_margin (K : nat) (l : list sample) : R :=
  1 / INR (length l) * total l (margin K).
Definition equal_margins (K : nat) (m : R) : R := ln (1 + (INR K - 1) * exp (- m)).

Lemma total_single {A} (l : list A) f a : In a l -> (forall b, In b l -> 0 <= f b) ->
  f a <= total l f.
Proof.
induction l as [|b l IH]; [intros []|]; intros ia f0; simpl.
pose proof (f0 b (or_introl eq_refl)) as b0.
assert (t0 : 0 <= total l f).
{ rewrite <- (total_zero _ l); apply total_le; intros c ic; apply f0; right; exact ic. }
destruct ia as [->|ia]; [lra|].
specialize (IH ia (fun c ic => f0 c (or_intror ic))); lra.
Qed.

Section Jensen.

Variable K : nat.
Hypothesis K2 : (2 <= K)%nat.

Lemma classes : 1 <= INR K - 1 /\ INR (length (seq 0 K)) = INR K.
Proof. pose proof (le_INR 2 K K2) as k2; simpl in k2; rewrite seq_length; lra. Qed.

(* One sample. *)
Lemma sample_bound s : (fst s < K)%nat -> equal_margins K (margin K s) <= cross_entropy K s.
Proof.
destruct s as [y z]; simpl; intro yK; destruct classes as [k1 len].
set (mu := margin K (y, z)).
assert (sum : total (seq 0 K) (fun i => z y - z i) = (INR K - 1) * mu)
  by (unfold mu, margin; simpl; field; lra).
assert (iy : In y (seq 0 K)) by (apply in_seq; lia).
set (f := fun i => exp (- (z y - z i)) - exp (- mu) * (1 + mu - (z y - z i))).
assert (f0 : forall i, In i (seq 0 K) -> 0 <= f i).
{ intros i _; unfold f; replace (exp (- (z y - z i)))
    with (exp (- mu) * exp (mu - (z y - z i))) by (rewrite <- exp_plus; f_equal; ring).
  pose proof (exp_pos (- mu)); pose proof (exp_ineq1_le (mu - (z y - z i))) as e.
  apply Rmult_le_compat_l with (r := exp (- mu)) in e; lra. }
pose proof (total_single (seq 0 K) f y iy f0) as one.
unfold f in one at 2; rewrite total_minus, total_scal in one.
assert (lin : total (seq 0 K) (fun i => 1 + mu - (z y - z i)) = INR K * (1 + mu) - (INR K - 1) * mu)
  by (rewrite total_minus, total_const, len, sum; reflexivity).
rewrite lin in one; unfold f in one.
replace (z y - z y) with 0 in one by ring; rewrite Ropp_0, exp_0 in one.
unfold cross_entropy, equal_margins; simpl.
assert (S0 : 0 < total (seq 0 K) (fun i => exp (z i))).
{ apply Rlt_le_trans with (exp (z y)); [apply exp_pos|].
  apply (total_single (seq 0 K) (fun i => exp (z i)) y iy); intros; apply Rlt_le, exp_pos. }
replace (ln (total (seq 0 K) (fun i => exp (z i))) - z y)
  with (ln (exp (- z y) * total (seq 0 K) (fun i => exp (z i))))
  by (rewrite ln_mult, ln_exp by (exact S0 || apply exp_pos); ring).
rewrite <- total_scal.
rewrite (total_ext _ _ _ (fun i => exp (- (z y - z i))))
  by (intros i _; rewrite <- exp_plus; f_equal; ring).
assert (p : 0 < 1 + (INR K - 1) * exp (- mu)).
{ pose proof (exp_pos (- mu)); assert (0 <= (INR K - 1) * exp (- mu)) by (apply Rmult_le_pos; lra); lra. }
assert (le : 1 + (INR K - 1) * exp (- mu) <= total (seq 0 K) (fun i => exp (- (z y - z i)))) by lra.
destruct le as [lt|eq]; [left; apply ln_increasing; assumption|rewrite <- eq; lra].
Qed.

(* log(1 + (K-1) e^(-m)) lies above its tangents; the slope at m. *)
Definition tangent_slope (m : R) :=
  (INR K - 1) * exp (- m) / (1 + (INR K - 1) * exp (- m)).

Lemma equal_margins_tangent m mu :
  equal_margins K m - tangent_slope m * (mu - m) <= equal_margins K mu.
Proof.
destruct classes as [k1 _]; unfold tangent_slope; set (A := INR K - 1) in *.
pose proof (exp_pos (- m)) as e0.
assert (Ae : 0 < A * exp (- m)) by (apply Rmult_lt_0_compat; lra).
set (q := A * exp (- m) / (1 + A * exp (- m))).
assert (q01 : 0 < q < 1).
{ unfold q; split; [apply Rdiv_lt_0_compat; lra|].
  apply Rmult_lt_reg_r with (1 + A * exp (- m)); [lra|].
  replace (A * exp (- m) / (1 + A * exp (- m)) * (1 + A * exp (- m))) with (A * exp (- m))
    by (field; lra); lra. }
destruct (Req_dec mu m) as [->|ne]; [lra|].
set (d := mu - m); assert (d0 : d <> 0) by (unfold d; lra).
pose proof (tangent q d q01 d0) as t.
assert (p : 0 < 1 - q + q * exp (- d)) by (pose proof (exp_pos (- d)); nra).
unfold equal_margins; fold A.
replace (1 + A * exp (- mu)) with ((1 + A * exp (- m)) * (1 - q + q * exp (- d))).
- rewrite ln_mult by lra; lra.
- replace (- mu) with (- m + - d) by (unfold d; ring); rewrite exp_plus.
  unfold q; field; lra.
Qed.

(* The data term of any logits. *)
Theorem data_term_bound l : l <> [] -> (forall s, In s l -> (fst s < K)%nat) ->
  equal_margins K (mean_margin K l) <= data_term K l.
Proof.
intros ne cls; set (m := mean_margin K l).
assert (N0 : 0 < INR (length l)) by (apply lt_0_INR; destruct l; [contradiction|simpl; lia]).
assert (sum : total l (margin K) = INR (length l) * m)
  by (unfold m, mean_margin; field; lra).
set (q := tangent_slope m).
assert (le : total l (fun s => equal_margins K m - q * (margin K s - m))
             <= total l (cross_entropy K)).
{ apply total_le; intros s is_; apply Rle_trans with (equal_margins K (margin K s)).
  - apply equal_margins_tangent.
  - apply sample_bound, cls, is_. }
rewrite total_minus, total_scal, total_minus, !total_const, sum in le.
unfold data_term; apply Rmult_le_reg_l with (INR (length l)); [exact N0|].
replace (INR (length l) * (1 / INR (length l) * total l (cross_entropy K)))
  with (total l (cross_entropy K)) by (field; lra).
lra.
Qed.

(* Balanced classes: a bias b added to all logits leaves the mean margin.    *)
Theorem bias_cancels l (b : nat -> R) : l <> [] ->
  (forall g, total l (fun s => g (fst s)) = INR (length l) / INR K * total (seq 0 K) g) ->
  mean_margin K (map (fun s => (fst s, fun i => snd s i + b i)) l) = mean_margin K l.
Proof.
intros ne balanced; destruct classes as [k1 len].
unfold mean_margin; rewrite map_length; f_equal.
assert (tm : forall (g : sample -> sample) (f : sample -> R) l,
  total (map g l) f = total l (fun s => f (g s)))
  by (intros g f l'; induction l' as [|a l' IH]; [reflexivity|simpl; rewrite IH; reflexivity]).
rewrite tm.
rewrite (total_ext _ l _ (fun s => margin K s + 1 / (INR K - 1)
  * (INR K * b (fst s) - total (seq 0 K) b))).
- rewrite total_plus, total_scal, total_minus, total_scal, total_const, (balanced b).
  field; lra.
- intros [y z] _; unfold margin; simpl.
  rewrite (total_ext _ _ _ (fun i => (z y - z i) + (b y - b i))) by (intros; ring).
  rewrite total_plus, (total_minus _ _ (fun _ => b y)), total_const, len; ring.
Qed.

End Jensen.

(* The hypotheses can be met: one sample of each of two classes. *)
Example jensen_instance :
  let l : list sample := [(0%nat, fun i => INR i); (1%nat, fun _ => 0)] in
  (2 <= 2)%nat /\ l <> [] /\ (forall s, In s l -> (fst s < 2)%nat) /\
  (forall g, total l (fun s => g (fst s)) = INR (length l) / INR 2 * total (seq 0 2) g).
Proof.
cbv zeta; split; [lia|split; [discriminate|split]].
- intros s [<-|[<-|[]]]; simpl; lia.
- intro g; simpl; field.
Qed.
