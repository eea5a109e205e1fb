(* Claim NC-13: deep linear networks with balanced cross-entropy. Antipodal  *)
(* pairs of classes strictly beat the simplex ETF with the same margin m > 0,*)
(* at any regularisation, for every K >= 4 and M >= 3 and for every K >= 6   *)
(* and M = 2; and this comparison works in no other case.                    *)
(*                                                                           *)
(* K classes numbered from 0, n samples in each (any real n > 0), M layers,  *)
(* L = M + 1 factors, Lam = Lambda > 0 the product of the regularisations.   *)
(* logits z i y: entry of class i for a sample of class y.                   *)
(* The penalty of logits with singular values s_j is                         *)
(*   L/2 Lambda^(1/L) sum_j s_j^(2/L)                                        *)
(* (NC-01); the ETF m (I - J/K) Y has m sqrt n, K - 1 times; the pairs have  *)
(* 2 m sqrt n, floor(K/2) times, and m sqrt n once if K is odd. These two    *)
(* lists are taken from the claim; the data terms are computed here.         *)

From Coq Require Import Reals Lra Lia Arith.

Local Open Scope R_scope.

Fixpoint rsum (K : nat) (f : nat -> R) : R :=
  match K with O => 0 | S k => rsum k f + f k end.

(* ---- the two configurations --------------------------------------------- *)

Definition etf_logit (K : nat) (m : R) (i y : nat) : R :=
  m * ((if Nat.eqb i y then 1 else 0) - 1 / INR K).

(* Classes 2a and 2a + 1 are partners; the last class of an odd K has none. *)
Definition partner (y : nat) : nat := if Nat.even y then S y else pred y.
Definition pair_logit (m : R) (i y : nat) : R :=
  if Nat.eqb i y then m else if Nat.eqb i (partner y) then - m else 0.

(* Cross-entropy log sum_i e^(z_i) - z_y, averaged over balanced classes. *)
Definition cross_entropy (K : nat) (z : nat -> nat -> R) (y : nat) : R :=
  ln (rsum K (fun i => exp (z i y))) - z y y.
Definition data_term (K : nat) (z : nat -> nat -> R) : R :=
  / INR K * rsum K (cross_entropy K z).

Definition penalty (M : nat) (Lam schatten : R) : R :=
  INR (M + 1) / 2 * Rpower Lam (1 / INR (M + 1)) * schatten.
Definition power (M : nat) (s : R) : R := Rpower s (2 / INR (M + 1)).
Definition etf_schatten (K M : nat) (n m : R) : R :=
  (INR K - 1) * power M (m * sqrt n).
Definition pair_schatten (K M : nat) (n m : R) : R :=
  INR (Nat.div2 K) * power M (2 * m * sqrt n)
  + (if Nat.even K then 0 else power M (m * sqrt n)).

Definition etf_value (K M : nat) (n Lam m : R) : R :=
  data_term K (etf_logit K m) + penalty M Lam (etf_schatten K M n m).
Definition pair_value (K M : nat) (n Lam m : R) : R :=
  data_term K (pair_logit m) + penalty M Lam (pair_schatten K M n m).

(* ---- sums --------------------------------------------------------------- *)

Lemma rsum_ext K f g : (forall i, (i < K)%nat -> f i = g i) -> rsum K f = rsum K g.
Proof.
induction K as [|K IH]; intro e; [reflexivity|simpl].
rewrite IH, e; [reflexivity|lia|intros; apply e; lia].
Qed.

Lemma rsum_const K c : rsum K (fun _ => c) = INR K * c.
Proof. induction K as [|K IH]; [simpl; ring|rewrite S_INR; simpl; rewrite IH; ring]. Qed.

Lemma rsum_update K y a f :
  rsum K (fun i => if Nat.eqb i y then a else f i)
  = rsum K f + (if Nat.ltb y K then a - f y else 0).
Proof.
induction K as [|K IH]; [simpl; ring|simpl rsum; rewrite IH].
destruct (Nat.eqb_spec K y), (Nat.ltb_spec y K), (Nat.ltb_spec y (S K));
  try lia; subst; ring.
Qed.

(* ---- data terms --------------------------------------------------------- *)

Lemma ln_shift s z : 0 < s -> ln s - z = ln (s * exp (- z)).
Proof. intro s0; rewrite ln_mult, ln_exp by (exact s0 || apply exp_pos); ring. Qed.

Lemma etf_class K m y : (y < K)%nat ->
  cross_entropy K (etf_logit K m) y = ln (1 + (INR K - 1) * exp (- m)).
Proof.
intro yK; unfold cross_entropy.
assert (k0 : 1 <= INR K) by (apply (le_INR 1); lia).
rewrite (rsum_ext _ _ (fun i => if Nat.eqb i y then exp (m * (1 - 1 / INR K))
                                else exp (m * (0 - 1 / INR K))))
  by (intros i _; unfold etf_logit; destruct (Nat.eqb i y); reflexivity).
rewrite rsum_update, rsum_const; apply Nat.ltb_lt in yK; rewrite yK.
unfold etf_logit; rewrite Nat.eqb_refl.
set (p := m * (1 - 1 / INR K)); set (q := m * (0 - 1 / INR K)).
assert (0 < exp p) by apply exp_pos; assert (0 < exp q) by apply exp_pos.
assert (0 <= (INR K - 1) * exp q) by (apply Rmult_le_pos; lra).
rewrite ln_shift by lra; f_equal.
rewrite Rmult_plus_distr_r, Rmult_minus_distr_r, Rmult_assoc, <- !exp_plus.
replace (q + - p) with (- m) by (unfold p, q; ring).
replace (p + - p) with 0 by ring; rewrite exp_0; ring.
Qed.

Lemma partner_other y : partner y <> y.
Proof.
unfold partner; destruct (Nat.even y) eqn:e; [lia|].
destruct y; [discriminate|simpl; lia].
Qed.

Lemma pair_class K m y : (y < K)%nat ->
  cross_entropy K (pair_logit m) y =
  if Nat.ltb (partner y) K then ln (1 + (INR K - 2) * exp (- m) + exp (- (2 * m)))
  else ln (1 + (INR K - 1) * exp (- m)).
Proof.
intro yK; unfold cross_entropy; pose proof (partner_other y) as py.
assert (k0 : 1 <= INR K) by (apply (le_INR 1); lia).
rewrite (rsum_ext _ _ (fun i => if Nat.eqb i y then exp m else
  (fun i => if Nat.eqb i (partner y) then exp (- m) else (fun _ => exp 0) i) i)).
2:{ intros i _; unfold pair_logit.
    destruct (Nat.eqb i y); [reflexivity|destruct (Nat.eqb i (partner y)); reflexivity]. }
rewrite !rsum_update, rsum_const, exp_0.
replace (Nat.eqb y (partner y)) with false by (symmetry; apply Nat.eqb_neq; lia).
apply Nat.ltb_lt in yK as yK'; rewrite yK'.
unfold pair_logit; rewrite Nat.eqb_refl.
assert (0 < exp m) by apply exp_pos; assert (0 < exp (- m)) by apply exp_pos.
assert (em : exp m * exp (- m) = 1) by (rewrite <- exp_plus, Rplus_opp_r; apply exp_0).
destruct (Nat.ltb_spec (partner y) K) as [pK|pK].
- assert (2 <= INR K) by (apply (le_INR 2); lia).
  rewrite ln_shift by lra; f_equal.
  replace (- (2 * m)) with (- m + - m) by ring; rewrite exp_plus.
  transitivity (exp m * exp (- m) + (INR K - 2) * exp (- m) + exp (- m) * exp (- m));
    [ring|rewrite em; reflexivity].
- rewrite ln_shift by lra; f_equal.
  transitivity (exp m * exp (- m) + (INR K - 1) * exp (- m)); [ring|rewrite em; reflexivity].
Qed.

Lemma half_split K : K = if Nat.even K then (2 * Nat.div2 K)%nat else S (2 * Nat.div2 K).
Proof.
pose proof (Nat.div2_odd K) as d; unfold Nat.odd in d; destruct (Nat.even K); simpl in *; lia.
Qed.

Lemma partner_below r y : (y < 2 * r)%nat -> (partner y < 2 * r)%nat.
Proof.
intro yr; unfold partner; destruct (Nat.even y) eqn:e; [|lia].
apply Nat.even_spec in e as [k ek]; lia.
Qed.

(* The ETF data term of the claim. *)
Theorem etf_data K m : (1 <= K)%nat ->
  data_term K (etf_logit K m) = ln (1 + (INR K - 1) * exp (- m)).
Proof.
intro K1; unfold data_term; assert (1 <= INR K) by (apply (le_INR 1); exact K1).
rewrite (rsum_ext _ _ (fun _ => ln (1 + (INR K - 1) * exp (- m))))
  by (intros y yK; apply etf_class, yK).
rewrite rsum_const; field; lra.
Qed.

(* The data terms of the pairs, K even and K odd. *)
Theorem pair_data K m : (1 <= K)%nat ->
  data_term K (pair_logit m) =
  let paired := ln (1 + (INR K - 2) * exp (- m) + exp (- (2 * m))) in
  if Nat.even K then paired
  else / INR K * ((INR K - 1) * paired + ln (1 + (INR K - 1) * exp (- m))).
Proof.
intro K1; unfold data_term; assert (k1 : 1 <= INR K) by (apply (le_INR 1); exact K1).
cbv zeta; pose proof (half_split K) as hs; destruct (Nat.even K) eqn:e.
- rewrite (rsum_ext _ _ (fun _ => ln (1 + (INR K - 2) * exp (- m) + exp (- (2 * m))))).
  + rewrite rsum_const; field; lra.
  + intros y yK; rewrite pair_class by exact yK.
    replace (Nat.ltb (partner y) K) with true; [reflexivity|].
    symmetry; apply Nat.ltb_lt; rewrite hs in *; apply partner_below, yK.
- f_equal; set (r := Nat.div2 K) in *.
  assert (s : forall f, rsum K f = rsum (2 * r) f + f (2 * r)%nat)
    by (intro f; rewrite hs at 1; reflexivity).
  rewrite s; rewrite (rsum_ext (2 * r) _
    (fun _ => ln (1 + (INR K - 2) * exp (- m) + exp (- (2 * m))))).
  + rewrite rsum_const, pair_class by lia.
    replace (Nat.ltb (partner (2 * r)) K) with false.
    * replace (INR (2 * r)) with (INR K - 1); [ring|].
      rewrite hs at 1; rewrite S_INR; ring.
    * symmetry; apply Nat.ltb_ge; unfold partner.
      replace (Nat.even (2 * r)) with true; [lia|].
      symmetry; apply Nat.even_spec; exists r; reflexivity.
  + intros y yK; rewrite pair_class by lia.
    replace (Nat.ltb (partner y) K) with true; [reflexivity|].
    symmetry; apply Nat.ltb_lt; pose proof (partner_below r y yK); lia.
Qed.

(* At equal margins the data term of the pairs is smaller. *)
Theorem pair_data_smaller K m : (2 <= K)%nat -> 0 < m ->
  data_term K (pair_logit m) < data_term K (etf_logit K m).
Proof.
intros K2 m0; rewrite pair_data, etf_data by lia; cbv zeta.
assert (2 <= INR K) by (apply (le_INR 2); exact K2).
assert (lt : exp (- (2 * m)) < exp (- m)) by (apply exp_increasing; lra).
assert (0 < exp (- (2 * m))) by apply exp_pos.
assert (0 <= (INR K - 2) * exp (- m)) by (apply Rmult_le_pos; lra).
assert (d : ln (1 + (INR K - 2) * exp (- m) + exp (- (2 * m)))
            < ln (1 + (INR K - 1) * exp (- m))) by (apply ln_increasing; lra).
destruct (Nat.even K); [exact d|].
apply Rmult_lt_reg_l with (INR K); [lra|].
rewrite <- Rmult_assoc, Rinv_r, Rmult_1_l by lra.
set (p := ln (1 + (INR K - 2) * exp (- m) + exp (- (2 * m)))) in *.
set (q := ln (1 + (INR K - 1) * exp (- m))) in *.
nra.
Qed.

(* ---- penalties ---------------------------------------------------------- *)

Lemma root_of_four M : Rpower 2 (2 / INR (M + 1)) ^ (M + 1) = 4.
Proof.
assert (0 < INR (M + 1)) by (apply lt_0_INR; lia).
rewrite <- Rpower_pow by apply exp_pos; rewrite Rpower_mult.
replace (2 / INR (M + 1) * INR (M + 1)) with (INR 2) by (simpl; field; lra).
rewrite Rpower_pow by lra; simpl; ring.
Qed.

Lemma power_two M s : 0 < s -> power M (2 * s) = Rpower 2 (2 / INR (M + 1)) * power M s.
Proof. intro s0; unfold power; rewrite Rpower_mult_distr by lra; reflexivity. Qed.

(* The penalty of the pairs is smaller iff r 2^(2/L) < 2 r - 1, r = floor(K/2);*)
(* for odd K = 2 r + 1 this is r 2^(2/L) + 1 < 2 r.                           *)
Theorem pair_penalty_smaller_iff K M n Lam m : (2 <= K)%nat -> 0 < n -> 0 < m ->
  penalty M Lam (pair_schatten K M n m) < penalty M Lam (etf_schatten K M n m)
  <-> INR (Nat.div2 K) * Rpower 2 (2 / INR (M + 1)) < 2 * INR (Nat.div2 K) - 1.
Proof.
intros K2 n0 m0; assert (l0 : 0 < INR (M + 1)) by (apply lt_0_INR; lia).
assert (s0 : 0 < m * sqrt n) by (apply Rmult_lt_0_compat; [|apply sqrt_lt_R0]; assumption).
assert (p0 : 0 < power M (m * sqrt n)) by apply exp_pos.
assert (c0 : 0 < INR (M + 1) / 2 * Rpower Lam (1 / INR (M + 1)))
  by (apply Rmult_lt_0_compat; [lra|apply exp_pos]).
unfold penalty, pair_schatten, etf_schatten.
rewrite (Rmult_assoc 2 m), power_two by exact s0.
set (c := INR (M + 1) / 2 * _) in *; set (p := power M (m * sqrt n)) in *.
set (x := Rpower 2 _); set (r := INR (Nat.div2 K)).
assert (kr : INR K = if Nat.even K then 2 * r else 2 * r + 1).
{ rewrite (half_split K) at 1; destruct (Nat.even K).
  - rewrite mult_INR; reflexivity.
  - rewrite S_INR, mult_INR; reflexivity. }
assert (e : (INR K - 1) * p - (r * (x * p) + (if Nat.even K then 0 else p))
            = (2 * r - 1 - r * x) * p)
  by (rewrite kr; destruct (Nat.even K); ring).
split; intro H.
- apply Rmult_lt_reg_l in H; [|exact c0].
  assert (0 < (2 * r - 1 - r * x) * p) by lra; nra.
- apply Rmult_lt_compat_l; [exact c0|].
  assert (0 < (2 * r - 1 - r * x) * p) by (apply Rmult_lt_0_compat; lra); lra.
Qed.

(* ... which happens exactly for K >= 4, M >= 3 and for K >= 6, M = 2. *)
Theorem pair_range K M : (2 <= K)%nat -> (1 <= M)%nat ->
  INR (Nat.div2 K) * Rpower 2 (2 / INR (M + 1)) < 2 * INR (Nat.div2 K) - 1
  <-> (4 <= K /\ 3 <= M)%nat \/ (6 <= K /\ M = 2)%nat.
Proof.
intros K2 M1; set (x := Rpower 2 (2 / INR (M + 1))).
assert (x0 : 0 < x) by apply exp_pos.
pose proof (root_of_four M : x ^ (M + 1) = 4) as x4.
assert (x1 : 1 < x).
{ destruct (Rlt_le_dec 1 x) as [?|l]; [assumption|].
  pose proof (pow_incr x 1 (M + 1) ltac:(lra)) as H; rewrite x4, pow1 in H; lra. }
assert (hs : exists r, Nat.div2 K = r /\ (K = 2 * r \/ K = 2 * r + 1)%nat).
{ exists (Nat.div2 K); split; [reflexivity|].
  pose proof (half_split K); destruct (Nat.even K); lia. }
destruct hs as [r [-> Kr]].
assert (r1 : 1 <= INR r) by (apply (le_INR 1); lia).
split.
- intro H; assert (r2 : (2 <= r)%nat).
  { destruct (le_lt_dec 2 r) as [?|l]; [assumption|exfalso].
    replace r with 1%nat in H by lia; simpl in H; lra. }
  destruct (le_lt_dec 3 M) as [?|l]; [left; lia|right].
  assert (M2 : M = 2%nat).
  { destruct (Nat.eq_dec M 1) as [e|e]; [exfalso|lia].
    subst M; simpl in x4; assert (x = 2) by nra; nra. }
  split; [|exact M2]; destruct (le_lt_dec 3 r) as [?|l3]; [lia|exfalso].
  replace r with 2%nat in H by lia; subst M; simpl in x4, H.
  assert (x < 3 / 2) by lra; assert (x * x < 9 / 4) by nra; nra.
- intros [[K4 M3]|[K6 M2]].
  + assert (2 <= INR r) by (apply (le_INR 2); lia).
    assert (x < 3 / 2).
    { destruct (Rlt_le_dec x (3 / 2)) as [?|l]; [assumption|exfalso].
      replace (M + 1)%nat with (4 + (M - 3))%nat in x4 by lia.
      rewrite pow_add in x4; pose proof (pow_R1_Rle x (M - 3) ltac:(lra)).
      assert (9 / 4 <= x * x) by nra; assert (81 / 16 <= x * x * (x * x)) by nra.
      simpl in x4; nra. }
    nra.
  + assert (r3 : INR 3 <= INR r) by (apply le_INR; lia); simpl in r3.
    assert (x < 5 / 3).
    { destruct (Rlt_le_dec x (5 / 3)) as [?|l]; [assumption|exfalso].
      subst M; simpl in x4; assert (25 / 9 <= x * x) by nra; nra. }
    nra.
Qed.

(* ---- the comparison ----------------------------------------------------- *)

(* No ETF with a margin m > 0 is optimal: the pairs do better. *)
Theorem pairs_beat_etf K M n Lam m :
  (4 <= K /\ 3 <= M)%nat \/ (6 <= K /\ M = 2)%nat -> 0 < n -> 0 < Lam -> 0 < m ->
  pair_value K M n Lam m < etf_value K M n Lam m.
Proof.
intros range n0 lam0 m0; assert (2 <= K)%nat by lia; assert (1 <= M)%nat by lia.
apply Rplus_lt_compat; [apply pair_data_smaller; assumption|].
apply pair_penalty_smaller_iff; try assumption.
apply pair_range; assumption.
Qed.

(* The hypotheses can be met. *)
Example pairs_instance :
  ((4 <= 5 /\ 3 <= 3)%nat \/ (6 <= 5 /\ 3 = 2)%nat) /\
  ((4 <= 6 /\ 3 <= 2)%nat \/ (6 <= 6 /\ 2 = 2)%nat) /\ 0 < 7 /\ 0 < 1 / 1000.
Proof. split; [left; lia|split; [right; lia|lra]]. Qed.
