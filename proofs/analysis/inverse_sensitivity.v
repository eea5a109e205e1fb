(* Claims DP-1 and DP-2: the path length is 1-Lipschitz and the mechanism    *)
(* with weights e^(-eps len / 2) is eps-differentially private.              *)
(*                                                                           *)
(* D: data sets with any integer-valued metric d (for the Hamming distance   *)
(* see the corollaries); hit x t: the data set x counts as giving the output *)
(* t, that is f x = t (DP-1) or |f x - t| <= rho (DP-2); len x t: the path   *)
(* length, None for an output that no data set hits (probability 0).         *)
(* Outputs: a finite list ts with weights nu t >= 0 (nu = 1 is the claim;    *)
(* other weights give any base measure of finite support). Events: E.        *)

From Coq Require Import Reals Lra Lia List.
From SolvableAnalysis Require Import hamming.
Import ListNotations.

Local Open Scope R_scope.

Definition lsum {T} (ts : list T) (w : T -> R) : R :=
  fold_right (fun t s => w t + s) 0 ts.

Lemma lsum_le {T} (ts : list T) w v c : (forall t, w t <= c * v t) ->
  lsum ts w <= c * lsum ts v.
Proof.
intro le; induction ts as [|t ts IH]; simpl; [lra|].
specialize (le t); lra.
Qed.

Lemma lsum_nonneg {T} (ts : list T) w : (forall t, 0 <= w t) -> 0 <= lsum ts w.
Proof. intro w0; induction ts as [|t ts IH]; simpl; [lra|specialize (w0 t); lra]. Qed.

Lemma lsum_pos {T} (ts : list T) w t : (forall t, 0 <= w t) -> In t ts -> 0 < w t ->
  0 < lsum ts w.
Proof.
intros w0 it wt; induction ts as [|u ts IH]; [destruct it|].
simpl; pose proof (lsum_nonneg ts w w0); pose proof (w0 u).
destruct it as [->|it]; [lra|specialize (IH it); lra].
Qed.

(* k is the least distance from x to a data set that hits t. *)
Definition hit_length {D T} (d : D -> D -> nat) (hit : D -> T -> Prop) (x : D) (t : T)
  (k : option nat) : Prop :=
  match k with
  | Some k => (exists x', hit x' t /\ d x x' = k) /\ forall x', hit x' t -> (k <= d x x')%nat
  | None => forall x', ~ hit x' t
  end.
(* DP-1: the output of an estimator f. *)
Definition path_length {D T} (d : D -> D -> nat) (f : D -> T) :=
  hit_length d (fun x t => f x = t).

Section Mechanism.

Variables (D T : Type) (d : D -> D -> nat) (hit : D -> T -> Prop).
Variable len : D -> T -> option nat.
Hypothesis d_self : forall x, d x x = 0%nat.
Hypothesis d_sym : forall x y, d x y = d y x.
Hypothesis d_triangle : forall x y z, (d x z <= d x y + d y z)%nat.
Hypothesis lenP : forall x t, hit_length d hit x t (len x t).

Lemma len_own x t : hit x t -> len x t = Some 0%nat.
Proof.
intro h; pose proof (lenP x t) as P; destruct (len x t) as [k|].
- destruct P as [_ le]; specialize (le x h); rewrite d_self in le; f_equal; lia.
- exfalso; apply (P x h).
Qed.

(* The path length is 1-Lipschitz, and its infinities do not depend on the   *)
(* data set.                                                                 *)
Theorem len_lipschitz x y t : match len x t, len y t with
  | Some k, Some l => (k <= l + d x y)%nat /\ (l <= k + d x y)%nat
  | None, None => True
  | _, _ => False
  end.
Proof.
pose proof (lenP x t) as P; pose proof (lenP y t) as Q.
destruct (len x t) as [k|], (len y t) as [l|]; simpl in *.
- destruct P as [[x' [fx ex]] lx], Q as [[y' [fy ey]] ly].
  specialize (lx y' fy); specialize (ly x' fx).
  pose proof (d_triangle x y y'); pose proof (d_triangle y x x').
  rewrite (d_sym y x) in *; lia.
- destruct P as [[x' [fx _]] _]; apply (Q x' fx).
- destruct Q as [[y' [fy _]] _]; apply (P y' fy).
- exact I.
Qed.

Variables (eps : R) (ts : list T) (nu : T -> R).
Hypotheses (eps0 : 0 <= eps) (nu0 : forall t, 0 <= nu t).
Hypothesis live : forall x, exists t, In t ts /\ hit x t /\ 0 < nu t.

Definition weight (x : D) (t : T) : R :=
  match len x t with Some k => nu t * exp (- (eps * INR k / 2)) | None => 0 end.
Definition probability (x : D) (E : T -> bool) : R :=
  lsum ts (fun t => if E t then weight x t else 0) / lsum ts (weight x).

Lemma weight_nonneg x t : 0 <= weight x t.
Proof.
unfold weight; destruct (len x t); [|lra].
apply Rmult_le_pos; [apply nu0|apply Rlt_le, exp_pos].
Qed.

Lemma total_pos x : 0 < lsum ts (weight x).
Proof.
destruct (live x) as [t [it [h nt]]].
apply lsum_pos with t; [apply weight_nonneg|exact it|].
unfold weight; rewrite len_own by exact h.
apply Rmult_lt_0_compat; [exact nt|apply exp_pos].
Qed.

Lemma weight_ratio x y t : weight x t <= exp (eps * INR (d x y) / 2) * weight y t.
Proof.
pose proof (len_lipschitz x y t) as lip; unfold weight.
destruct (len x t) as [k|], (len y t) as [l|]; try contradiction; [|lra].
destruct lip as [_ lk]; apply le_INR in lk; rewrite plus_INR in lk.
replace (exp (eps * INR (d x y) / 2) * (nu t * exp (- (eps * INR l / 2))))
  with (nu t * exp (eps * INR (d x y) / 2 + - (eps * INR l / 2)))
  by (rewrite exp_plus; ring).
apply Rmult_le_compat_l; [apply nu0|].
assert (le : - (eps * INR k / 2) <= eps * INR (d x y) / 2 + - (eps * INR l / 2)) by nra.
destruct le as [lt|eq]; [left; apply exp_increasing, lt|right; rewrite eq; reflexivity].
Qed.

(* It is a probability law on ts ... *)
Theorem probability_law x :
  probability x (fun _ => true) = 1 /\ forall E, 0 <= probability x E.
Proof.
pose proof (total_pos x) as p; split.
- unfold probability, Rdiv; apply Rinv_r; lra.
- intro E; apply Rmult_le_pos; [|apply Rlt_le, Rinv_0_lt_compat, p].
  apply lsum_nonneg; intro t; destruct (E t); [apply weight_nonneg|lra].
Qed.

(* ... and private at any distance: numerator and normaliser each change by  *)
(* at most exp (eps d / 2).                                                  *)
Theorem group_private x y E :
  probability x E <= exp (eps * INR (d x y)) * probability y E.
Proof.
pose proof (total_pos x) as px; pose proof (total_pos y) as py.
set (c := exp (eps * INR (d x y) / 2)).
assert (c0 : 0 < c) by apply exp_pos.
assert (cc : exp (eps * INR (d x y)) = c * c)
  by (unfold c; rewrite <- exp_plus; f_equal; field).
assert (num : lsum ts (fun t => if E t then weight x t else 0)
              <= c * lsum ts (fun t => if E t then weight y t else 0)).
{ apply lsum_le; intro t; destruct (E t); [apply weight_ratio|lra]. }
assert (den : lsum ts (weight y) <= c * lsum ts (weight x)).
{ apply lsum_le; intro t; unfold c; rewrite d_sym; apply weight_ratio. }
assert (n0 : 0 <= lsum ts (fun t => if E t then weight y t else 0)).
{ apply lsum_nonneg; intro t; destruct (E t); [apply weight_nonneg|lra]. }
unfold probability; rewrite cc.
set (nx := lsum ts (fun t => if E t then weight x t else 0)) in *.
set (ny := lsum ts (fun t => if E t then weight y t else 0)) in *.
set (zx := lsum ts (weight x)) in *; set (zy := lsum ts (weight y)) in *.
apply Rmult_le_reg_r with (zx * zy); [apply Rmult_lt_0_compat; assumption|].
replace (nx / zx * (zx * zy)) with (nx * zy) by (field; lra).
replace (c * c * (ny / zy) * (zx * zy)) with (c * ny * (c * zx)) by (field; lra).
apply Rle_trans with (c * ny * zy).
- apply Rmult_le_compat_r; lra.
- apply Rmult_le_compat_l; [apply Rmult_le_pos|]; lra.
Qed.

Corollary neighbours_private x y E : (d x y <= 1)%nat ->
  probability x E <= exp eps * probability y E.
Proof.
intro xy; apply Rle_trans with (1 := group_private x y E).
apply Rmult_le_compat_r; [apply probability_law|].
apply le_INR in xy; simpl in xy.
assert (le : eps * INR (d x y) <= eps) by nra.
destruct le as [lt|eq]; [left; apply exp_increasing, lt|right; rewrite eq; reflexivity].
Qed.

End Mechanism.

(* DP-1 as printed: data sets of n points under replacement, counting weights*)
(* on the finite set ts of outputs, every event.                             *)
Corollary inverse_sensitivity_private (A T : Type)
  (eq_dec : forall a b : A, {a = b} + {a <> b}) (n : nat) (eps : R)
  (f : {x : list A | length x = n} -> T) (ts : list T)
  (len : {x : list A | length x = n} -> T -> option nat) :
  let d x y := hamming A eq_dec (proj1_sig x) (proj1_sig y) in
  0 <= eps -> (forall x, In (f x) ts) ->
  (forall x t, path_length d f x t (len x t)) ->
  forall x y E, (d x y <= 1)%nat ->
  probability _ _ len eps ts (fun _ => 1) x E
  <= exp eps * probability _ _ len eps ts (fun _ => 1) y E.
Proof.
intros d eps0 all lenP x y E xy.
apply (neighbours_private _ _ d (fun x t => f x = t)); try assumption; intros; unfold d.
- apply hamming_self.
- apply hamming_sym.
- apply hamming_triangle.
- lra.
- exists (f x0); split; [apply all|split; [reflexivity|lra]].
Qed.

(* DP-2 on a finite set of outputs with any weights nu (a discretised base   *)
(* measure): dist t u <= rho is |t - u| <= rho in any space.                 *)
Corollary smoothed_private (A T : Type)
  (eq_dec : forall a b : A, {a = b} + {a <> b}) (n : nat) (eps rho : R)
  (f : {x : list A | length x = n} -> T) (dist : T -> T -> R)
  (ts : list T) (nu : T -> R) (len : {x : list A | length x = n} -> T -> option nat) :
  let d x y := hamming A eq_dec (proj1_sig x) (proj1_sig y) in
  0 <= eps -> (forall t, 0 <= nu t) ->
  (forall x, exists t, In t ts /\ dist (f x) t <= rho /\ 0 < nu t) ->
  (forall x t, hit_length d (fun x t => dist (f x) t <= rho) x t (len x t)) ->
  forall x y E, (d x y <= 1)%nat ->
  probability _ _ len eps ts nu x E <= exp eps * probability _ _ len eps ts nu y E.
Proof.
intros d eps0 nu0 live lenP x y E xy.
apply (neighbours_private _ _ d (fun x t => dist (f x) t <= rho)); try assumption;
  intros; unfold d.
- apply hamming_self.
- apply hamming_sym.
- apply hamming_triangle.
Qed.

(* The hypotheses can be met: the identity on one bit, |A| = 2, n = 1.       *)
Example one_bit_instance :
  let d := fun x y : bool => if Bool.bool_dec x y then 0%nat else 1%nat in
  let len := fun x t : bool => Some (d x t) in
  (forall x, d x x = 0%nat) /\ (forall x y, d x y = d y x) /\
  (forall x y z, (d x z <= d x y + d y z)%nat) /\
  (forall x t, path_length d (fun x => x) x t (len x t)) /\
  (forall x : bool, exists t, In t [true; false] /\ x = t /\ 0 < 1) /\ 0 <= 1.
Proof.
simpl; repeat split.
- intros []; reflexivity.
- intros [] []; reflexivity.
- intros [] [] []; simpl; lia.
- exists t; split; reflexivity.
- intros x' ->; lia.
- intro x; exists x; split; [destruct x; tauto|split; [reflexivity|lra]].
- lra.
Qed.

(* For the corollary: one data point, a bit, reported as it is. *)
Example one_point_instance :
  let eq_dec := Bool.bool_dec in
  let f := fun x : {x : list bool | length x = 1%nat} => hd true (proj1_sig x) in
  let d := fun x y : {x : list bool | length x = 1%nat} =>
    hamming bool eq_dec (proj1_sig x) (proj1_sig y) in
  let len := fun x t => Some (if eq_dec (f x) t then 0%nat else 1%nat) in
  0 <= 1 / 2 /\ (forall x, In (f x) [true; false]) /\
  (forall x t, path_length d f x t (len x t)).
Proof.
simpl; split; [lra|split].
- intros [[|[] ?] ?]; simpl; tauto.
- intros [[|a [|? ?]] e] t; try discriminate; simpl; split.
  + exists (exist (fun x : list bool => length x = 1%nat) [t] eq_refl); simpl; split; [reflexivity|].
    destruct (Bool.bool_dec a t); reflexivity.
  + intros [[|b [|? ?]] e'] ft; try discriminate; simpl in *; subst b.
    destruct (Bool.bool_dec a t); lia.
Qed.

(* And with rho = 1/2, the bit read as a real number, outputs 0 and 1. *)
Example smoothed_instance :
  let eq_dec := Bool.bool_dec in
  let f := fun x : {x : list bool | length x = 1%nat} =>
    if hd true (proj1_sig x) then 1 else 0 in
  let d := fun x y : {x : list bool | length x = 1%nat} =>
    hamming bool eq_dec (proj1_sig x) (proj1_sig y) in
  let hit := fun x t => Rabs (f x - t) <= 1 / 2 in
  let len := fun x t =>
    if Rle_dec (Rabs (f x - t)) (1 / 2) then Some 0%nat
    else if Rle_dec (Rabs (1 - f x - t)) (1 / 2) then Some 1%nat else None in
  0 <= 1 /\ (forall t : R, 0 <= 1) /\
  (forall x, exists t, In t [0; 1] /\ hit x t /\ 0 < 1) /\
  (forall x t, hit_length d hit x t (len x t)).
Proof.
cbv zeta; split; [lra|split; [intros; lra|split]].
- intros [x e]; simpl; exists (if hd true x then 1 else 0).
  split; [destruct (hd true x); tauto|split; [|lra]].
  rewrite Rminus_diag_eq, Rabs_R0 by reflexivity; lra.
- intros [[|a [|? ?]] e] t; try discriminate; simpl.
  destruct (Rle_dec (Rabs ((if a then 1 else 0) - t)) (1 / 2)) as [h|h].
  + split; [|intros; lia].
    exists (exist (fun x : list bool => length x = 1%nat) [a] eq_refl); simpl.
    split; [exact h|destruct (Bool.bool_dec a a); [reflexivity|contradiction]].
  + assert (other : forall b : bool, Rabs ((if b then 1 else 0) - t) <= 1 / 2 ->
      b = negb a /\ (if b then 1 else 0) = 1 - (if a then 1 else 0)).
    { intros b hb; destruct a, b; try contradiction; simpl; split; try reflexivity; lra. }
    destruct (Rle_dec (Rabs (1 - (if a then 1 else 0) - t)) (1 / 2)) as [h'|h'].
    * split.
      -- exists (exist (fun x : list bool => length x = 1%nat) [negb a] eq_refl); simpl.
         split; [|destruct a; reflexivity].
         replace (if negb a then 1 else 0) with (1 - (if a then 1 else 0))
           by (destruct a; simpl; lra); exact h'.
      -- intros [[|b [|? ?]] e'] hb; try discriminate; simpl in *.
         destruct (other b hb) as [-> _]; destruct a; simpl; lia.
    * intros [[|b [|? ?]] e'] hb; try discriminate; simpl in *.
      destruct (other b hb) as [_ eb]; rewrite eb in hb; contradiction.
Qed.
