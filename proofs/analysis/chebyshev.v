(* Claim ICL-51: minimax step sizes for a spectrum in [m, M], 0 < m < M.     *)
(*                                                                           *)
(* cheb K is the Chebyshev polynomial of the first kind; kappa = M / m. The  *)
(* residual polynomial of the K steps of the claim is                        *)
(*   p(x) = T_K((M+m-2x)/(M-m)) / T_K((M+m)/(M-m)):                          *)
(* it is 1 at 0 and vanishes at every 1/eta_k.                               *)

From Coq Require Import Reals Lra Lia.

Local Open Scope R_scope.

Fixpoint cheb (K : nat) (x : R) : R :=
  match K with
  | O => 1
  | S k => match k with O => x | S j => 2 * x * cheb k x - cheb j x end
  end.

Lemma cheb_step K x : cheb (S (S K)) x = 2 * x * cheb (S K) x - cheb K x.
Proof. reflexivity. Qed.

(* T_K(cos a) = cos(K a). *)
Lemma cheb_cos K a : cheb K (cos a) = cos (INR K * a).
Proof.
cut (cheb K (cos a) = cos (INR K * a) /\ cheb (S K) (cos a) = cos (INR (S K) * a)); [tauto|].
induction K as [|K [IH IH1]].
- simpl; rewrite Rmult_0_l, cos_0, Rmult_1_l; split; reflexivity.
- split; [exact IH1|]; rewrite cheb_step, IH1, IH.
  replace (INR (S (S K)) * a) with (INR (S K) * a + a) by (rewrite (S_INR (S K)); ring).
  replace (INR K * a) with (INR (S K) * a - a) by (rewrite S_INR; ring).
  rewrite cos_plus, cos_minus; ring.
Qed.

(* T_K((z + 1/z)/2) = (z^K + z^(-K))/2. *)
Lemma cheb_pow K z : z <> 0 -> cheb K ((z + / z) / 2) = (z ^ K + (/ z) ^ K) / 2.
Proof.
intro z0; assert (i : z * / z = 1) by (field; exact z0); set (w := / z) in *; clearbody w.
cut (cheb K ((z + w) / 2) = (z ^ K + w ^ K) / 2 /\
     cheb (S K) ((z + w) / 2) = (z ^ S K + w ^ S K) / 2); [tauto|].
induction K as [|K [IH IH1]].
- simpl; split; field.
- split; [exact IH1|]; rewrite cheb_step, IH1, IH; simpl.
  transitivity ((z * (z * z ^ K) + w * (w * w ^ K) + (z * w - 1) * (z ^ K + w ^ K)) / 2);
    [field|rewrite i; field].
Qed.

Lemma cheb_bounded K y : -1 <= y <= 1 -> Rabs (cheb K y) <= 1.
Proof.
intro y1; rewrite <- (cos_acos y y1), cheb_cos.
apply Rabs_le; apply COS_bound.
Qed.

Section Spectrum.

Variables m M : R.
Hypothesis mM : 0 < m < M.

(* q = (sqrt kappa - 1)/(sqrt kappa + 1), in (0, 1). *)
Definition contraction : R := (sqrt (M / m) - 1) / (sqrt (M / m) + 1).

Lemma kappa_root : 1 < sqrt (M / m) /\ sqrt (M / m) * sqrt (M / m) * m = M.
Proof.
assert (k1 : 1 < M / m).
{ apply Rmult_lt_reg_r with m; [lra|]; replace (M / m * m) with M by (field; lra); lra. }
split; [rewrite <- sqrt_1; apply sqrt_lt_1; lra|].
rewrite sqrt_sqrt by lra; field; lra.
Qed.

Lemma contraction_range : 0 < contraction < 1.
Proof.
destruct kappa_root as [s1 _]; unfold contraction; split; [apply Rdiv_lt_0_compat; lra|].
apply Rmult_lt_reg_r with (sqrt (M / m) + 1); [lra|].
replace ((sqrt (M / m) - 1) / (sqrt (M / m) + 1) * (sqrt (M / m) + 1)) with (sqrt (M / m) - 1)
  by (field; lra); lra.
Qed.

Lemma outside : (M + m) / (M - m) = (/ contraction + / / contraction) / 2.
Proof.
destruct kappa_root as [s1 ss]; unfold contraction; set (s := sqrt (M / m)) in *.
assert (s2 : 1 < s * s) by nra.
rewrite <- ss; field; repeat split; nra.
Qed.

(* T_K((M+m)/(M-m)) = (q^(-K) + q^K)/2 >= 1. *)
Lemma cheb_outside K : cheb K ((M + m) / (M - m)) = ((/ contraction) ^ K + contraction ^ K) / 2
  /\ 0 < cheb K ((M + m) / (M - m)).
Proof.
pose proof contraction_range as q01; assert (i0 : 0 < / contraction) by (apply Rinv_0_lt_compat; lra).
assert (e : cheb K ((M + m) / (M - m)) = ((/ contraction) ^ K + contraction ^ K) / 2).
{ rewrite outside, cheb_pow, Rinv_inv by lra; reflexivity. }
split; [exact e|rewrite e].
pose proof (pow_lt (/ contraction) K i0); pose proof (pow_lt contraction K ltac:(lra)); lra.
Qed.

Definition residual (K : nat) (x : R) : R :=
  cheb K ((M + m - 2 * x) / (M - m)) / cheb K ((M + m) / (M - m)).
Definition step (K k : nat) : R :=
  / ((M + m) / 2 - (M - m) / 2 * cos ((2 * INR k - 1) * PI / (2 * INR K))).

Theorem minimax_residual K : (1 <= K)%nat ->
  residual K 0 = 1 /\
  (forall k, residual K (/ step K k) = 0) /\
  (forall x, m <= x <= M -> Rabs (residual K x) <= 1 / cheb K ((M + m) / (M - m))) /\
  1 / cheb K ((M + m) / (M - m)) <= 2 * contraction ^ K.
Proof.
intro K1; destruct (cheb_outside K) as [e p]; pose proof contraction_range as q01.
assert (k0 : 0 < INR K) by (apply lt_0_INR; lia).
split; [|split; [|split]].
- unfold residual; rewrite Rmult_0_r, Rminus_0_r; field; lra.
- intro k; unfold residual, step; rewrite Rinv_inv.
  set (a := (2 * INR k - 1) * PI / (2 * INR K)).
  replace ((M + m - 2 * ((M + m) / 2 - (M - m) / 2 * cos a)) / (M - m)) with (cos a)
    by (field; lra).
  rewrite cheb_cos.
  assert (z : cos (INR K * a) = 0).
  { replace (INR K * a) with (- (PI / 2) + INR k * PI) by (unfold a; field; lra).
    clear a; induction k as [|k IH].
    - simpl; rewrite Rmult_0_l, Rplus_0_r, cos_neg; apply cos_PI2.
    - rewrite S_INR; replace (- (PI / 2) + (INR k + 1) * PI) with (- (PI / 2) + INR k * PI + PI) by ring.
      rewrite neg_cos, IH; ring. }
  rewrite z; unfold Rdiv; ring.
- intros x xr; unfold residual, Rdiv at 1; rewrite Rabs_mult.
  rewrite (Rabs_right (/ cheb K ((M + m) / (M - m))))
    by (apply Rle_ge, Rlt_le, Rinv_0_lt_compat, p).
  unfold Rdiv at 3; rewrite Rmult_1_l; apply Rmult_le_reg_r with (cheb K ((M + m) / (M - m))); [exact p|].
  rewrite Rmult_assoc, Rinv_l, Rmult_1_r by lra.
  apply cheb_bounded; split.
  + apply Rmult_le_reg_r with (M - m); [lra|].
    replace ((M + m - 2 * x) / (M - m) * (M - m)) with (M + m - 2 * x) by (field; lra); lra.
  + apply Rmult_le_reg_r with (M - m); [lra|].
    replace ((M + m - 2 * x) / (M - m) * (M - m)) with (M + m - 2 * x) by (field; lra); lra.
- apply Rmult_le_reg_r with (cheb K ((M + m) / (M - m))); [exact p|].
  replace (1 / cheb K ((M + m) / (M - m)) * cheb K ((M + m) / (M - m))) with 1 by (field; lra).
  rewrite e; pose proof (pow_lt contraction K ltac:(lra)) as c0.
  assert (i : contraction ^ K * (/ contraction) ^ K = 1)
    by (rewrite <- Rpow_mult_distr, Rinv_r, pow1 by lra; reflexivity).
  assert (0 < contraction ^ K * contraction ^ K) by (apply Rmult_lt_0_compat; assumption).
  lra.
Qed.

(* The best constant step 2/(M+m) and its rate ((kappa-1)/(kappa+1))^K. *)
Theorem constant_step K :
  (M / m - 1) / (M / m + 1) = (M - m) / (M + m) /\
  (forall x, m <= x <= M -> Rabs (1 - 2 / (M + m) * x) ^ K <= ((M - m) / (M + m)) ^ K) /\
  (forall eta, exists x, m <= x <= M /\ ((M - m) / (M + m)) ^ K <= Rabs (1 - eta * x) ^ K).
Proof.
assert (r0 : 0 < (M - m) / (M + m)) by (apply Rdiv_lt_0_compat; lra).
split; [field; lra|split].
- intros x xr; apply pow_incr; split; [apply Rabs_pos|apply Rabs_le; split].
  + apply Rmult_le_reg_r with (M + m); [lra|].
    replace (- ((M - m) / (M + m)) * (M + m)) with (m - M) by (field; lra).
    replace ((1 - 2 / (M + m) * x) * (M + m)) with (M + m - 2 * x) by (field; lra); lra.
  + apply Rmult_le_reg_r with (M + m); [lra|].
    replace ((M - m) / (M + m) * (M + m)) with (M - m) by (field; lra).
    replace ((1 - 2 / (M + m) * x) * (M + m)) with (M + m - 2 * x) by (field; lra); lra.
- intro eta.
  assert (rm : (M - m) / (M + m) = 1 - 2 / (M + m) * m) by (field; lra).
  assert (rM : (M - m) / (M + m) = 2 / (M + m) * M - 1) by (field; lra).
  destruct (Rle_lt_dec eta (2 / (M + m))) as [le|lt].
  + exists m; split; [lra|]; apply pow_incr; split; [lra|].
    apply Rle_trans with (2 := Rle_abs _); rewrite rm.
    assert (eta * m <= 2 / (M + m) * m) by (apply Rmult_le_compat_r; lra); lra.
  + exists M; split; [lra|]; apply pow_incr; split; [lra|].
    rewrite <- Rabs_Ropp; apply Rle_trans with (2 := Rle_abs _); rewrite rM.
    assert (2 / (M + m) * M <= eta * M) by (apply Rmult_le_compat_r; lra); lra.
Qed.

End Spectrum.

(* At the edges of the Marchenko-Pastur law, 0 < c < 1. *)
Theorem edge_rates c : 0 < c < 1 ->
  let m := (1 - sqrt c) ^ 2 in let M := (1 + sqrt c) ^ 2 in
  0 < m < M /\ contraction m M = sqrt c /\ 2 / (M + m) = 1 / (1 + c) /\
  ((M - m) / (M + m)) ^ 2 = 4 * c / (1 + c) ^ 2.
Proof.
intros c01 m M; assert (s0 : 0 < sqrt c) by (apply sqrt_lt_R0; lra).
pose proof (sqrt_sqrt c ltac:(lra)) as ss.
assert (s1 : sqrt c < 1) by (rewrite <- sqrt_1; apply sqrt_lt_1; lra).
unfold m, M, contraction; set (s := sqrt c) in *; rewrite <- ss.
split; [split; nra|split; [|split; field; nra]].
assert (r : sqrt ((1 + s) ^ 2 / (1 - s) ^ 2) = (1 + s) / (1 - s)).
{ replace ((1 + s) ^ 2 / (1 - s) ^ 2) with ((1 + s) / (1 - s) * ((1 + s) / (1 - s))) by (field; lra).
  apply sqrt_square, Rlt_le, Rdiv_lt_0_compat; lra. }
rewrite r; field; lra.
Qed.

(* The hypotheses can be met; kappa = 9 contracts by 1/2. *)
Example spectrum_instance : 0 < 1 < 9 /\ (1 <= 3)%nat /\ contraction 1 9 = 1 / 2 /\ 0 < 1 / 2 < 1.
Proof.
repeat split; try lia; try lra; unfold contraction.
replace (9 / 1) with (3 * 3) by field; rewrite sqrt_square by lra; field.
Qed.
