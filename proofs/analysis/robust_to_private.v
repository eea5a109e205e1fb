(* Claim DP-8: how far the output of a private mechanism built from a robust *)
(* estimator can be. For one data set x: the tail of the path length, and    *)
(* the K at which it falls below beta.                                       *)
(*                                                                           *)
(* The base measure is a finite list ts of outputs with weights nu >= 0 (a   *)
(* discretised ball of radius R + rho): V bounds its mass, v is at most the  *)
(* mass of the outputs at length 0. For the ball and its part of radius rho  *)
(* V / v = (R / rho + 1)^d.                                                  *)

From Coq Require Import Reals Lra Lia List Arith.
From SolvableAnalysis Require Import inverse_sensitivity.
Import ListNotations.

Local Open Scope R_scope.

Section Tail.

Variables (D T : Type) (len : D -> T -> option nat) (eps : R) (ts : list T) (nu : T -> R).
Hypotheses (eps0 : 0 <= eps) (nu0 : forall t, 0 <= nu t).

Definition far (x : D) (K : nat) (t : T) : bool :=
  match len x t with Some k => Nat.leb K k | None => true end.
Definition at_zero (x : D) (t : T) : R :=
  match len x t with Some O => nu t | _ => 0 end.

Theorem length_tail x K V v : lsum ts nu <= V -> 0 < v -> v <= lsum ts (at_zero x) ->
  probability D T len eps ts nu x (far x K) <= V / v * exp (- (eps * INR K / 2)).
Proof.
intros mass v0 near; set (c := exp (- (eps * INR K / 2))).
assert (c0 : 0 < c) by apply exp_pos.
assert (num : lsum ts (fun t => if far x K t then weight D T len eps nu x t else 0)
              <= c * lsum ts nu).
{ apply lsum_le; intro t; unfold far, weight; pose proof (nu0 t) as n0.
  assert (0 <= c * nu t) by (apply Rmult_le_pos; lra).
  destruct (len x t) as [k|]; [|assumption].
  destruct (Nat.leb_spec K k) as [Kk|Kk]; [|assumption].
  rewrite Rmult_comm; apply Rmult_le_compat_r; [exact n0|].
  apply le_INR in Kk; assert (le : - (eps * INR k / 2) <= - (eps * INR K / 2)) by nra.
  destruct le as [lt|eq]; [left; apply exp_increasing, lt|right; rewrite eq; reflexivity]. }
assert (den : lsum ts (at_zero x) <= 1 * lsum ts (weight D T len eps nu x)).
{ apply lsum_le; intro t; unfold at_zero, weight; pose proof (nu0 t) as n0.
  destruct (len x t) as [[|k]|]; simpl; [| |lra].
  - replace (- (eps * 0 / 2)) with 0 by field; rewrite exp_0; lra.
  - pose proof (exp_pos (- (eps * match k with O => 1 | S _ => INR k + 1 end / 2))).
    rewrite Rmult_1_l; apply Rmult_le_pos; lra. }
unfold probability; set (Z := lsum ts (weight D T len eps nu x)) in *.
assert (Z0 : v <= Z) by lra.
apply Rmult_le_reg_r with (Z * v); [apply Rmult_lt_0_compat; lra|].
set (P := lsum ts (fun t => if far x K t then weight D T len eps nu x t else 0)) in *.
replace (P / Z * (Z * v)) with (P * v) by (field; lra).
replace (V / v * c * (Z * v)) with (c * V * Z) by (field; lra).
assert (P <= c * V) by (apply Rle_trans with (1 := num); apply Rmult_le_compat_l; lra).
assert (V0 : 0 <= c * V).
{ apply Rmult_le_pos; [lra|]; apply Rle_trans with (2 := mass); apply lsum_nonneg, nu0. }
apply Rle_trans with (c * V * v); [apply Rmult_le_compat_r; lra|].
apply Rmult_le_compat_l; assumption.
Qed.

End Tail.

(* K >= (2/eps) (d log(R/rho + 1) + log(1/beta)) makes the tail at most beta. *)
Theorem tail_below_beta (d K : nat) (R0 rho eps beta : R) :
  0 < R0 -> 0 < rho -> 0 < eps -> 0 < beta ->
  2 / eps * (INR d * ln (R0 / rho + 1) + ln (1 / beta)) <= INR K ->
  (R0 / rho + 1) ^ d * exp (- (eps * INR K / 2)) <= beta.
Proof.
intros r0 h0 e0 b0 K0.
assert (q0 : 0 < R0 / rho) by (apply Rdiv_lt_0_compat; assumption).
rewrite <- Rpower_pow by lra; unfold Rpower; rewrite <- exp_plus, <- (exp_ln beta) at 1 by exact b0.
assert (lb : ln (1 / beta) = - ln beta).
{ replace (1 / beta) with (/ beta) by (field; lra); apply ln_Rinv, b0. }
rewrite lb in K0; apply Rmult_le_compat_l with (r := eps / 2) in K0; [|lra].
replace (eps / 2 * (2 / eps * (INR d * ln (R0 / rho + 1) + - ln beta)))
  with (INR d * ln (R0 / rho + 1) - ln beta) in K0 by (field; lra).
assert (le : INR d * ln (R0 / rho + 1) + - (eps * INR K / 2) <= ln beta) by lra.
destruct le as [lt|eq]; [left; apply exp_increasing, lt|right; rewrite eq; reflexivity].
Qed.

(* The hypotheses can be met: two outputs, at lengths 0 and 1. *)
Example tail_instance :
  let len := fun (_ : unit) (t : bool) => Some (if t then 0%nat else 1%nat) in
  let nu := fun _ : bool => 1 in
  0 <= 1 /\ (forall t, 0 <= nu t) /\ lsum [true; false] nu <= 2 /\ 0 < 1 /\
  1 <= lsum [true; false] (at_zero unit bool len nu tt) /\
  2 / 1 * (INR 1 * ln (1 / 1 + 1) + ln (1 / 2)) <= INR 0.
Proof.
unfold at_zero; simpl; repeat split; intros; try lra.
replace (1 / 1 + 1) with 2 by field; replace (1 / 2) with (/ 2) by field.
rewrite ln_Rinv by lra; lra.
Qed.
