(* Claim NC-03 in one statement: reduction, threshold, jump, spinodal and the *)
(* threshold in Lambda, at every depth M >= 1. The parts are in              *)
(* mode_threshold, mode_reduction and mode_spinodal.                         *)

From Coq Require Import Reals Lra Lia.
From SolvableAnalysis Require Import mode_threshold mode_reduction mode_spinodal.

Local Open Scope R_scope.

Theorem scalar_problem M N tau Lam : (1 <= M)%nat -> 0 < N -> 0 < tau -> 0 < Lam ->
  let beta := beta_of M N tau Lam in
  (* the minimisers sigma, and the minimum, in terms of x *)
  (forall s, mode_minimiser M N tau Lam s <->
     exists x, minimiser M beta x /\ s = tau * fit M x) /\
  (forall x, minimiser M beta x ->
     mode_cost M N tau Lam (tau * fit M x) = tau ^ 2 / (2 * N) * cost M beta x) /\
  (* the threshold *)
  (beta < beta_c M -> exists x, 0 < x /\ only_minimiser M beta x /\
     stationary M beta x /\ forall y, 0 < y -> stationary M beta y -> y <= x) /\
  (beta_c M < beta -> only_minimiser M beta 0) /\
  (beta = beta_c M -> forall x, minimiser M beta x <->
     x = 0 \/ (2 <= M)%nat /\ x = tie_point M) /\
  (beta = beta_c M -> cost M beta 0 = 1) /\
  (* one layer *)
  (M = 1%nat -> beta_c M = 1 /\ (beta < 1 ->
     only_minimiser M beta (/ sqrt beta - 1) /\
     cost M beta (/ sqrt beta - 1) = 2 * sqrt beta - beta)) /\
  (* the jump of sigma / tau *)
  (forall eps, 0 < eps -> exists delta, 0 < delta /\
     forall b x, 0 < b -> beta_c M - delta < b < beta_c M -> minimiser M b x ->
     1 - 1 / INR M < fit M x < 1 - 1 / INR M + eps) /\
  (forall b x, beta_c M < b -> minimiser M b x -> fit M x = 0) /\
  (* the spinodal *)
  ((2 <= M)%nat -> beta_c M < beta_s M /\
     beta_s M = beta_at M (spinodal_point M) /\
     spinodal_point M ^ M = (INR M - 1) / (INR M + 1) /\
     ((exists a, local_minimiser M beta a) <-> beta < beta_s M)) /\
  (* the threshold in Lambda *)
  (beta < beta_c M <-> Lam < Lambda_c M N tau).
Proof.
intros M1 N0 tau0 Lam0 beta.
assert (b0 : 0 < beta).
{ pose proof (INR_pos M M1); apply Rdiv_lt_0_compat; [|apply pow_lt, tau0].
  apply Rmult_lt_0_compat; [apply Rmult_lt_0_compat; assumption|apply exp_pos]. }
split; [|split; [|split; [|split; [|split; [|split; [|split; [|split; [|split; [|split]]]]]]]]].
- intro s; split; [apply every_mode_minimiser; assumption|].
  intros [x [mx ->]]; apply minimisers_correspond; assumption.
- intros x mx; apply minimisers_correspond; assumption.
- intro bc; destruct (below_threshold M beta M1 b0 bc) as [a [a0 [_ [st [le [om _]]]]]].
  exists a; tauto.
- apply above_threshold, M1.
- intros e x; rewrite e; destruct (le_lt_dec 2 M) as [M2|M1'].
  + destruct (tie_at_threshold M M2) as [_ [_ [m0 [mt [all _]]]]]; split.
    * intro mx; destruct (all x mx); tauto.
    * intros [->|[_ ->]]; assumption.
  + replace M with 1%nat by lia; rewrite beta_c_one.
    destruct (one_layer 1 ltac:(lra)) as [_ H]; destruct (H ltac:(lra)) as [om _].
    split.
    * intro mx; left; apply (only_minimiser_unique 1 1); assumption.
    * intros [->|[? _]]; [|lia]; destruct om as [_ ho]; split; [lra|intros y y0].
      destruct (Req_dec y 0) as [->|yn]; [lra|apply Rlt_le, ho; assumption].
- intro; apply cost_zero, M1.
- intro e; rewrite e in *; split; [apply beta_c_one|intro b1].
  destruct (one_layer beta b0) as [H _]; destruct (H b1) as [om [c _]]; tauto.
- apply jump_at_threshold, M1.
- apply jump_at_threshold, M1.
- intro M2; split; [apply spinodal_above_threshold, M2|split; [apply beta_s_at, M2|split]].
  + apply spinodal_pow, M2.
  + apply local_minimiser_iff_below_spinodal; assumption.
- apply alive_iff_Lambda_below; assumption.
Qed.

(* The hypotheses can be met. *)
Example scalar_problem_instance : (1 <= 3)%nat /\ 0 < 20 /\ 0 < 2 /\ 0 < 1 / 1000.
Proof. repeat split; try lia; lra. Qed.
