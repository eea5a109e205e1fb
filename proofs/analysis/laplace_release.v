(* Claim AGG-11, privacy of the release: bag means of labels in [-T, T] plus *)
(* Laplace noise of scale b = 2 T / (k eps). Changing one label changes the  *)
(* joint density of the release by at most the factor e^eps, this factor is  *)
(* attained, and a smaller scale exceeds it.                                 *)
(*                                                                           *)
(* bags: a list of bags, each a list of k labels; x: the released values,    *)
(* one for each bag.                                                         *)

From Coq Require Import Reals Lra Lia List.
Import ListNotations.

Local Open Scope R_scope.

Definition label_sum (bag : list R) : R := fold_right Rplus 0 bag.
Definition bag_mean (k : nat) (bag : list R) : R := label_sum bag / INR k.
Definition laplace (b x m : R) : R := 1 / (2 * b) * exp (- (Rabs (x - m) / b)).
Fixpoint density (b : R) (k : nat) (x : list R) (bags : list (list R)) : R :=
  match x, bags with
  | xa :: x', bag :: bags' => laplace b xa (bag_mean k bag) * density b k x' bags'
  | _, _ => 1
  end.

(* The scale of the claim. *)
Definition scale (T eps : R) (k : nat) : R := 2 * T / (INR k * eps).

Lemma label_sum_app u v : label_sum (u ++ v) = label_sum u + label_sum v.
Proof. induction u as [|a u IH]; simpl; [ring|rewrite IH; ring]. Qed.

Lemma laplace_pos b x m : 0 < b -> 0 < laplace b x m.
Proof. intro b0; apply Rmult_lt_0_compat; [apply Rdiv_lt_0_compat; lra|apply exp_pos]. Qed.

Lemma density_pos b k x bags : 0 < b -> 0 < density b k x bags.
Proof.
intro b0; revert bags; induction x as [|a x IH]; intros [|bag bags]; simpl; try lra.
apply Rmult_lt_0_compat; [apply laplace_pos, b0|apply IH].
Qed.

Lemma density_app b k xs ys bags bags' : length xs = length bags ->
  density b k (xs ++ ys) (bags ++ bags') = density b k xs bags * density b k ys bags'.
Proof.
revert bags; induction xs as [|a xs IH]; intros [|bag bags]; simpl; try discriminate; intro e.
- ring.
- rewrite IH by lia; ring.
Qed.

Lemma laplace_shift b x m m' : 0 < b ->
  laplace b x m <= exp (Rabs (m - m') / b) * laplace b x m'.
Proof.
intro b0; unfold laplace; rewrite <- Rmult_assoc, (Rmult_comm (exp _)), Rmult_assoc, <- exp_plus.
apply Rmult_le_compat_l; [apply Rlt_le, Rdiv_lt_0_compat; lra|].
assert (tri : Rabs (x - m') <= Rabs (x - m) + Rabs (m - m')).
{ replace (x - m') with (x - m + (m - m')) by ring; apply Rabs_triang. }
assert (le : - (Rabs (x - m) / b) <= Rabs (m - m') / b + - (Rabs (x - m') / b)).
{ apply Rmult_le_compat_r with (r := / b) in tri; [|apply Rlt_le, Rinv_0_lt_compat, b0].
  unfold Rdiv; lra. }
destruct le as [lt|eq]; [left; apply exp_increasing, lt|right; rewrite eq; reflexivity].
Qed.

(* To the right of both means the ratio is exact. *)
Lemma laplace_tail b x m m' : 0 < b -> m' <= m -> m <= x ->
  laplace b x m = exp ((m - m') / b) * laplace b x m'.
Proof.
intros b0 mm mx; unfold laplace; rewrite !Rabs_right by lra.
rewrite <- Rmult_assoc, (Rmult_comm (exp _)), Rmult_assoc, <- exp_plus.
f_equal; f_equal; field; lra.
Qed.

Section Release.

Variables (T eps : R) (k : nat).
Hypotheses (T0 : 0 < T) (eps0 : 0 < eps) (k1 : (1 <= k)%nat).

Lemma k_pos : 0 < INR k.
Proof. apply lt_0_INR; lia. Qed.

Lemma scale_pos : 0 < scale T eps k.
Proof. pose proof k_pos; apply Rdiv_lt_0_compat; [lra|apply Rmult_lt_0_compat; lra]. Qed.

(* One label of one bag changes from y to y'. *)
Lemma mean_change u v y y' :
  bag_mean k (u ++ y :: v) - bag_mean k (u ++ y' :: v) = (y - y') / INR k.
Proof.
pose proof k_pos; unfold bag_mean; rewrite !label_sum_app; simpl; field; lra.
Qed.

(* The release is private: any number of bags before and after. *)
Theorem release_private x before after u v y y' :
  length x = length (before ++ (u ++ y :: v) :: after) ->
  - T <= y <= T -> - T <= y' <= T ->
  density (scale T eps k) k x (before ++ (u ++ y :: v) :: after)
  <= exp eps * density (scale T eps k) k x (before ++ (u ++ y' :: v) :: after).
Proof.
intros len yT yT'; set (b := scale T eps k); pose proof scale_pos as b0; fold b in b0.
pose proof k_pos as k0; rewrite app_length in len; simpl in len.
assert (sx : x = firstn (length before) x ++ skipn (length before) x)
  by (symmetry; apply firstn_skipn).
assert (lf : length (firstn (length before) x) = length before)
  by (rewrite firstn_length; lia).
assert (ls : length (skipn (length before) x) = S (length after))
  by (rewrite skipn_length; lia).
rewrite sx, !density_app by exact lf.
destruct (skipn (length before) x) as [|xa rest]; [discriminate|]; simpl.
set (P := density b k (firstn (length before) x) before).
set (Q := density b k rest after).
assert (P0 : 0 < P) by (apply density_pos, b0).
assert (Q0 : 0 < Q) by (apply density_pos, b0).
pose proof (laplace_shift b xa (bag_mean k (u ++ y :: v)) (bag_mean k (u ++ y' :: v)) b0) as sh.
rewrite mean_change in sh.
assert (ratio : Rabs ((y - y') / INR k) / b <= eps).
{ apply Rmult_le_reg_r with b; [exact b0|].
  replace (Rabs ((y - y') / INR k) / b * b) with (Rabs ((y - y') / INR k)) by (field; lra).
  replace (eps * b) with (2 * T / INR k) by (unfold b, scale; field; lra).
  unfold Rdiv; rewrite Rabs_mult, (Rabs_right (/ INR k))
    by (apply Rle_ge, Rlt_le, Rinv_0_lt_compat, k0).
  apply Rmult_le_compat_r; [apply Rlt_le, Rinv_0_lt_compat, k0|].
  apply Rabs_le; lra. }
assert (er : exp (Rabs ((y - y') / INR k) / b) <= exp eps).
{ destruct ratio as [lt|eq]; [left; apply exp_increasing, lt|right; rewrite eq; reflexivity]. }
set (l := laplace b xa (bag_mean k (u ++ y :: v))) in *.
set (l' := laplace b xa (bag_mean k (u ++ y' :: v))) in *.
assert (l'0 : 0 < l') by (apply laplace_pos, b0).
assert (ll : l <= exp eps * l').
{ apply Rle_trans with (1 := sh); apply Rmult_le_compat_r; lra. }
replace (exp eps * (P * (l' * Q))) with (P * (exp eps * l' * Q)) by ring.
apply Rmult_le_compat_l; [lra|]; apply Rmult_le_compat_r; lra.
Qed.

(* With scale b, labels T and -T and an output right of both means, the      *)
(* ratio of the densities of one bag is e^(2 T / (k b)): e^eps at the scale  *)
(* of the claim, more below it.                                              *)
Theorem worst_case_ratio b x u v : 0 < b -> bag_mean k (u ++ T :: v) <= x ->
  laplace b x (bag_mean k (u ++ T :: v))
    = exp (2 * T / (INR k * b)) * laplace b x (bag_mean k (u ++ - T :: v)) /\
  (b = scale T eps k -> exp (2 * T / (INR k * b)) = exp eps) /\
  (b < scale T eps k -> exp eps < exp (2 * T / (INR k * b))).
Proof.
intros b0 mx; pose proof k_pos as k0.
assert (ch : bag_mean k (u ++ T :: v) - bag_mean k (u ++ - T :: v) = 2 * T / INR k)
  by (rewrite mean_change; field; lra).
assert (pos : 0 < 2 * T / INR k) by (apply Rdiv_lt_0_compat; lra).
split; [|split].
- rewrite (laplace_tail b x _ (bag_mean k (u ++ - T :: v))) by lra.
  rewrite ch; f_equal; f_equal; field; lra.
- intros ->; f_equal; unfold scale; field; lra.
- intro lt; apply exp_increasing.
  assert (kb : 0 < INR k * b) by (apply Rmult_lt_0_compat; assumption).
  apply Rmult_lt_reg_r with (INR k * b); [exact kb|].
  replace (2 * T / (INR k * b) * (INR k * b)) with (2 * T) by (field; lra).
  apply Rmult_lt_compat_r with (r := eps * INR k) in lt; [|apply Rmult_lt_0_compat; lra].
  replace (scale T eps k * (eps * INR k)) with (2 * T) in lt by (unfold scale; field; lra).
  lra.
Qed.

(* k times the Laplace variance 2 b^2 is kappa / k, kappa = 8 T^2 / eps^2. *)
Theorem noise_level :
  INR k * (2 * scale T eps k ^ 2) = 8 * T ^ 2 / eps ^ 2 / INR k.
Proof. pose proof k_pos; unfold scale; field; lra. Qed.

End Release.

(* The hypotheses can be met: two bags of two labels, T = 3. *)
Example release_instance :
  0 < 3 /\ 0 < 1 / 2 /\ (1 <= 2)%nat /\
  length [0; 1] = length ([[0; 1]] ++ ([] ++ 2 :: [1]) :: []) /\ - 3 <= 2 <= 3 /\
  - 3 <= -1 <= 3 /\ 0 < 1 /\ bag_mean 2 ([] ++ 3 :: [1]) <= 5.
Proof. unfold bag_mean; simpl; repeat split; try lia; lra. Qed.
