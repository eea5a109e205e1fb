(* Claim ICL-47: the optimal risk of K layers in the proportional limit, its *)
(* recursion in depth, closed form, limit and noise-free specialisation.     *)
(*                                                                           *)
(* c > 0 is the limit of d/N, s >= 0 the noise ratio. explained c s K is     *)
(* u_K = 1 - R*_K, defined by the continued fraction of the claim; r is the  *)
(* root in (0, 1] of r + 1/r = (1 + c + s) / sqrt c; geo x K = sum of x^j,   *)
(* j < K, so that (1 - r^(2K)) / (1 - r^(2K+2)) = geo (r^2) K / geo (r^2)    *)
(* (K+1), which also makes sense at r = 1.                                   *)

From Coq Require Import Reals Lra Lia.

Local Open Scope R_scope.

Fixpoint explained (c s : R) (K : nat) : R :=
  match K with O => 0 | S k => / (1 + c + s - c * explained c s k) end.
Definition optimal_risk (c s : R) (K : nat) := 1 - explained c s K.
Fixpoint geo (x : R) (K : nat) : R := match K with O => 0 | S k => 1 + x * geo x k end.

(* The root, in the form that never subtracts. *)
Definition rate (c s : R) : R :=
  2 * sqrt c / (1 + c + s + sqrt ((1 - sqrt c) ^ 2 + s) * sqrt ((1 + sqrt c) ^ 2 + s)).

Lemma geo_pos x K : 0 <= x -> 0 <= geo x K /\ 1 <= geo x (S K).
Proof.
intro x0; induction K as [|K [IH _]]; simpl.
- lra.
- assert (0 <= x * geo x K) by (apply Rmult_le_pos; lra).
  assert (0 <= x * (1 + x * geo x K)) by (apply Rmult_le_pos; lra); lra.
Qed.

Lemma geo_snoc x K : geo x (S K) = geo x K + x ^ K.
Proof.
induction K as [|K IH]; [simpl; ring|].
change (geo x (S (S K))) with (1 + x * geo x (S K)); rewrite IH at 1; simpl; ring.
Qed.

Lemma geo_closed x K : geo x K * (1 - x) = 1 - x ^ K.
Proof.
induction K as [|K IH]; simpl; [ring|].
transitivity ((1 - x) + x * (geo x K * (1 - x))); [ring|rewrite IH; ring].
Qed.

Lemma pow_decreases x K : 0 <= x <= 1 -> x ^ S K <= x ^ K.
Proof. intro x1; simpl; pose proof (pow_le x K (proj1 x1)); nra. Qed.

Section Depth.

Variables c s : R.
Hypotheses (c0 : 0 < c) (s0 : 0 <= s).

Let q := sqrt c.
Let r := rate c s.

Lemma q_pos : 0 < q.
Proof. apply sqrt_lt_R0, c0. Qed.

Lemma q_sq : q * q = c.
Proof. apply sqrt_sqrt; lra. Qed.

(* r is a root in (0, 1], and the only one. *)
Theorem rate_root : 0 < r <= 1 /\ r + 1 / r = (1 + c + s) / q.
Proof.
pose proof q_pos as q0; pose proof q_sq as qq.
unfold r, rate; fold q.
assert (a0 : 0 <= (1 - q) ^ 2 + s) by (pose proof (pow2_ge_0 (1 - q)); lra).
assert (b0 : 0 <= (1 + q) ^ 2 + s) by (pose proof (pow2_ge_0 (1 + q)); lra).
rewrite <- sqrt_mult by assumption.
set (w := sqrt (((1 - q) ^ 2 + s) * ((1 + q) ^ 2 + s))).
assert (w0 : 0 <= w) by apply sqrt_pos.
assert (ww : w * w = (1 + c + s) ^ 2 - 4 * c).
{ unfold w; rewrite sqrt_sqrt by (apply Rmult_le_pos; assumption).
  rewrite <- qq; ring. }
assert (d0 : 0 < 1 + c + s + w) by lra.
split; [split|].
- apply Rdiv_lt_0_compat; lra.
- apply Rmult_le_reg_r with (1 + c + s + w); [exact d0|].
  replace (2 * q / (1 + c + s + w) * (1 + c + s + w)) with (2 * q) by (field; lra).
  nra.
- replace (1 / (2 * q / (1 + c + s + w))) with ((1 + c + s + w) / (2 * q)) by (field; lra).
  apply Rmult_eq_reg_r with (2 * q * (1 + c + s + w)); [|apply Rgt_not_eq, Rmult_lt_0_compat; lra].
  replace ((2 * q / (1 + c + s + w) + (1 + c + s + w) / (2 * q)) * (2 * q * (1 + c + s + w)))
    with (4 * (q * q) + (1 + c + s + w) * (1 + c + s + w)) by (field; lra).
  replace ((1 + c + s) / q * (2 * q * (1 + c + s + w)))
    with (2 * (1 + c + s) * (1 + c + s + w)) by (field; lra).
  rewrite qq; nra.
Qed.

Theorem rate_unique x : 0 < x <= 1 -> x + 1 / x = (1 + c + s) / q -> x = r.
Proof.
intros [x0 x1] e; destruct rate_root as [[r0 r1] er]; rewrite <- er in e.
assert (z : (x - r) * (1 - x * r) = 0).
{ replace ((x - r) * (1 - x * r)) with (x * r * (r + 1 / r - (x + 1 / x))) by (field; lra).
  rewrite e; ring. }
apply Rmult_integral in z as [z|z]; [lra|nra].
Qed.

(* The closed form, for every depth. *)
Theorem explained_closed K : explained c s K = r / q * (geo (r ^ 2) K / geo (r ^ 2) (S K)).
Proof.
pose proof q_pos as q0; pose proof q_sq as qq; destruct rate_root as [[r0 _] er].
induction K as [|K IH]; [simpl; field; lra|].
change (explained c s (S K)) with (/ (1 + c + s - c * explained c s K)); rewrite IH.
assert (x0 : 0 <= r ^ 2) by nra.
destruct (geo_pos (r ^ 2) K x0) as [_ g1]; destruct (geo_pos (r ^ 2) (S K) x0) as [_ g2].
replace (1 + c + s) with (q * (r + 1 / r)) by (rewrite er; field; lra).
rewrite <- qq.
change (geo (r ^ 2) (S (S K))) with (1 + r ^ 2 * geo (r ^ 2) (S K)) in *.
assert (ge : geo (r ^ 2) (S K) = 1 + r ^ 2 * geo (r ^ 2) K) by reflexivity.
set (G := geo (r ^ 2) (S K)) in *.
replace (q * (r + 1 / r) - q * q * (r / q * (geo (r ^ 2) K / G)))
  with (q / r * ((G + r ^ 2 * G - r ^ 2 * geo (r ^ 2) K) / G)) by (field; lra).
replace (G + r ^ 2 * G - r ^ 2 * geo (r ^ 2) K) with (1 + r ^ 2 * G) by lra.
field; lra.
Qed.

(* The same as printed, away from r = 1 (c = 1 without noise). *)
Corollary optimal_risk_closed K : r <> 1 ->
  optimal_risk c s K = 1 - r / q * ((1 - r ^ (2 * K)) / (1 - r ^ (2 * K + 2))).
Proof.
intro r1; pose proof q_pos; destruct rate_root as [[r0 rle] _].
unfold optimal_risk; rewrite explained_closed; f_equal; f_equal.
replace (2 * K + 2)%nat with (2 * S K)%nat by lia; rewrite !pow_mult.
rewrite <- (geo_closed (r ^ 2) K), <- (geo_closed (r ^ 2) (S K)).
assert (x1 : 1 - r ^ 2 <> 0) by nra.
destruct (geo_pos (r ^ 2) K ltac:(nra)) as [_ g1].
set (x := r ^ 2) in *; field; repeat split; lra.
Qed.

(* The excess over the limit 1 - r / sqrt c. *)
Theorem excess K :
  optimal_risk c s K - (1 - r / q) = r / q * (r ^ (2 * K) / geo (r ^ 2) (S K)).
Proof.
pose proof q_pos; destruct rate_root as [[r0 _] _].
destruct (geo_pos (r ^ 2) K ltac:(nra)) as [_ g1].
unfold optimal_risk; rewrite explained_closed, pow_mult.
rewrite geo_snoc in *; field; lra.
Qed.

(* More depth is strictly better. *)
Theorem deeper_is_better K : optimal_risk c s (S K) < optimal_risk c s K.
Proof.
pose proof q_pos as q0; destruct rate_root as [[r0 r1] _].
pose proof (excess K) as e; pose proof (excess (S K)) as e'.
assert (x0 : 0 < r ^ 2) by nra; assert (x1 : r ^ 2 <= 1) by nra.
destruct (geo_pos (r ^ 2) K ltac:(lra)) as [_ g1].
destruct (geo_pos (r ^ 2) (S K) ltac:(lra)) as [_ g2].
rewrite !pow_mult in *.
assert (xk : 0 < (r ^ 2) ^ K) by (apply pow_lt, x0).
assert (xs : 0 < (r ^ 2) ^ S K) by (apply pow_lt, x0).
assert (le : (r ^ 2) ^ S K <= (r ^ 2) ^ K) by (apply pow_decreases; lra).
assert (gs : geo (r ^ 2) (S (S K)) = geo (r ^ 2) (S K) + (r ^ 2) ^ S K) by apply geo_snoc.
assert (lt : (r ^ 2) ^ S K / geo (r ^ 2) (S (S K)) < (r ^ 2) ^ K / geo (r ^ 2) (S K)).
{ apply Rmult_lt_reg_r with (geo (r ^ 2) (S K) * geo (r ^ 2) (S (S K)));
    [apply Rmult_lt_0_compat; lra|].
  replace ((r ^ 2) ^ S K / geo (r ^ 2) (S (S K)) * (geo (r ^ 2) (S K) * geo (r ^ 2) (S (S K))))
    with ((r ^ 2) ^ S K * geo (r ^ 2) (S K)) by (field; lra).
  replace ((r ^ 2) ^ K / geo (r ^ 2) (S K) * (geo (r ^ 2) (S K) * geo (r ^ 2) (S (S K))))
    with ((r ^ 2) ^ K * geo (r ^ 2) (S (S K))) by (field; lra).
  rewrite gs; nra. }
apply Rmult_lt_compat_l with (r := r / q) in lt; [lra|].
apply Rdiv_lt_0_compat; lra.
Qed.

(* geo (r^2) (K+1) >= (K+1) r^(2K): the excess is at most (r/q) / (K+1). *)
Theorem depth_limit eps : 0 < eps -> exists K0, forall K, (K0 <= K)%nat ->
  Rabs (optimal_risk c s K - (1 - r / q)) < eps.
Proof.
intro e0; pose proof q_pos as q0; destruct rate_root as [[r0 r1] _].
assert (x0 : 0 < r ^ 2) by nra; assert (x1 : r ^ 2 <= 1) by nra.
assert (bound : forall K, INR (S K) * (r ^ 2) ^ K <= geo (r ^ 2) (S K)).
{ induction K as [|K IH]; [simpl; lra|].
  rewrite geo_snoc, S_INR; assert (0 < (r ^ 2) ^ K) by (apply pow_lt, x0).
  assert ((r ^ 2) ^ S K <= (r ^ 2) ^ K) by (apply pow_decreases; lra).
  pose proof (pos_INR (S K)); nra. }
assert (rq : 0 < r / q) by (apply Rdiv_lt_0_compat; lra).
destruct (archimed (r / q / eps)) as [big0 _].
assert (pos : 0 < r / q / eps) by (apply Rdiv_lt_0_compat; lra).
exists (Z.to_nat (up (r / q / eps))); intros K KK.
assert (big : r / q / eps < INR (S K)).
{ apply Rlt_trans with (1 := big0).
  assert (z0 : (0 <= up (r / q / eps))%Z) by (apply le_IZR; lra).
  rewrite <- (Z2Nat.id _ z0), <- INR_IZR_INZ; apply lt_INR; lia. }
rewrite excess, pow_mult.
destruct (geo_pos (r ^ 2) K ltac:(lra)) as [_ g1].
assert (xk : 0 < (r ^ 2) ^ K) by (apply pow_lt, x0).
assert (f0 : 0 < (r ^ 2) ^ K / geo (r ^ 2) (S K)) by (apply Rdiv_lt_0_compat; lra).
rewrite Rabs_right by (apply Rle_ge, Rmult_le_pos; lra).
assert (n0 : 0 < INR (S K)) by (apply lt_0_INR; lia).
assert (f1 : (r ^ 2) ^ K / geo (r ^ 2) (S K) * INR (S K) <= 1).
{ apply Rmult_le_reg_r with (geo (r ^ 2) (S K)); [lra|].
  replace ((r ^ 2) ^ K / geo (r ^ 2) (S K) * INR (S K) * geo (r ^ 2) (S K))
    with (INR (S K) * (r ^ 2) ^ K) by (field; lra).
  specialize (bound K); lra. }
apply Rmult_lt_reg_r with (INR (S K)); [exact n0|].
apply Rle_lt_trans with (r / q * 1); [rewrite Rmult_assoc; apply Rmult_le_compat_l; lra|].
apply Rmult_lt_compat_r with (r := eps) in big; [|exact e0].
replace (r / q / eps * eps) with (r / q) in big by (field; lra); lra.
Qed.

End Depth.

(* ---- without noise ------------------------------------------------------ *)

(* R*_K = 1 / (1 + 1/c + ... + 1/c^K), every c > 0. *)
Theorem noise_free c K : 0 < c -> optimal_risk c 0 K = / geo (/ c) (S K).
Proof.
intro c0; assert (i0 : 0 < / c) by (apply Rinv_0_lt_compat, c0).
induction K as [|K IH].
{ unfold optimal_risk; simpl; rewrite Rmult_0_r, Rplus_0_r, Rinv_1; ring. }
unfold optimal_risk in *; destruct (geo_pos (/ c) K ltac:(lra)) as [_ g1].
destruct (geo_pos (/ c) (S K) ltac:(lra)) as [_ g2].
change (explained c 0 (S K)) with (/ (1 + c + 0 - c * explained c 0 K)).
replace (explained c 0 K) with (1 - / geo (/ c) (S K)) by lra.
change (geo (/ c) (S (S K))) with (1 + / c * geo (/ c) (S K)) in *.
set (G := geo (/ c) (S K)) in *; field; repeat split; lra.
Qed.

(* c = 1: R*_K = 1 / (K + 1). *)
Corollary noise_free_square K : optimal_risk 1 0 K = 1 / (INR K + 1).
Proof.
rewrite noise_free by lra; rewrite Rinv_1.
assert (e : forall n, geo 1 n = INR n) by (induction n as [|n IH]; [reflexivity|
  rewrite S_INR; simpl; rewrite IH; ring]).
rewrite e, S_INR; unfold Rdiv; ring.
Qed.

(* The reference value of the claim: c = 1/2, K = 3 gives 1/15. *)
Example depth_reference : 0 < 1 / 2 /\ 0 <= 0 /\ optimal_risk (1 / 2) 0 3 = 1 / 15.
Proof. split; [lra|split; [lra|]]; unfold optimal_risk; simpl; field. Qed.

(* r < 1 at c = 1, s = 1/2, where r = 1/2. *)
Example rate_instance : 0 < 1 /\ 0 <= 1 / 2 /\ rate 1 (1 / 2) = 1 / 2 /\ rate 1 (1 / 2) <> 1.
Proof.
assert (e : 1 / 2 = rate 1 (1 / 2)).
{ apply rate_unique; try lra; rewrite sqrt_1; field. }
rewrite <- e; lra.
Qed.
