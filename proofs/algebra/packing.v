(* Claim DP-13: q data sets that are pairwise neighbours and have q different*)
(* medians limit every private mechanism, and the inverse-sensitivity        *)
(* mechanism meets the limit with eps/2 in place of eps.                     *)
(*                                                                           *)
(* Over any real field; C stands for exp(eps) and c for exp(eps/2), so that  *)
(* c ^+ 2 = C. Any odd number 2 h + 1 of points, any finite totally ordered  *)
(* universe with least element lo and greatest element hi, q its size.       *)
(*                                                                           *)
(*   spread lo hi t == the data set lo^h, t, hi^h                            *)

From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp Require Import ring.
From SolvableAlgebra Require Import inverse_sensitivity order_statistic.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

(* --- the bound for every private mechanism ------------------------------- *)

Section Bound.

Variables (R : realFieldType) (C : R) (D : Type) (T : finType).
Variables (near : D -> D -> Prop) (P : D -> T -> R) (pack : T -> D).
Hypothesis C_gt0 : 0 < C.
Hypothesis P_sum : forall S, \sum_t P S t = 1.
Hypothesis private : forall S S', near S S' -> forall t, P S t <= C * P S' t.
Hypothesis pack_near : forall t t', near (pack t) (pack t').
Hypothesis T_gt0 : (0 < #|T|)%N.

Theorem packing_bound :
  exists t, P (pack t) t <= (1 + (#|T|.-1)%:R / C)^-1.
Proof.
set m := (1 + _)^-1; apply/existsP; rewrite -[X in is_true X]negbK negb_exists.
apply/negP => /forallP /= big; have lt_m t : m < P (pack t) t.
  by rewrite ltNge; apply: big.
have [t0 _] := card_gt0P T_gt0.
have q1 : 0 < 1 + (#|T|.-1)%:R / C.
  by rewrite ltr_paddr ?ltr01 // divr_ge0 ?ler0n // ltW.
have : \sum_t P (pack t0) t > 1.
  rewrite (bigD1 t0) //=; apply: (@lt_le_trans _ _ (P (pack t0) t0 +
      \sum_(t | t != t0) m / C)).
    have -> : \sum_(t | t != t0) m / C = m * ((#|T|.-1)%:R / C).
      rewrite sumr_const (eq_card (B := predC1 t0)) // cardC1 -mulr_natl.
      by rewrite mulrCA.
    have mE : m + m * ((#|T|.-1)%:R / C) = 1.
      by rewrite -[X in X + _]mulr1 -mulrDr /m mulVf // gt_eqF.
    by rewrite -[X in X < _]mE ltr_add2r.
  rewrite ler_add2l; apply: ler_sum => t _.
  rewrite ler_pdivr_mulr // mulrC (le_trans (ltW (lt_m t))) //.
  exact: private.
by rewrite P_sum ltxx.
Qed.

End Bound.

(* --- data sets with every median ----------------------------------------- *)

Section Spread.

Variables (disp : unit) (T : finOrderType disp) (h : nat) (lo hi : T).
Hypothesis lo_le : forall t, (lo <= t)%O.
Hypothesis le_hi : forall t, (t <= hi)%O.

Local Notation n := (h.*2.+1).
Local Notation median := (order_stat (median_index h)).

Definition spread (t : T) : dataset n T :=
  [ffun i : 'I_n => if (i < h)%N then lo else if (i == h :> nat) then t else hi].

Lemma card_initial k : (k <= n)%N -> #|[set i : 'I_n | (i < k)%N]| = k.
Proof.
move=> kn; rewrite -sum1_card (eq_bigl (fun i : 'I_n => (i < k)%N)).
  by rewrite -(big_ord_widen n (fun=> 1%N)) // sum1_card card_ord.
by move=> i; rewrite inE.
Qed.

Lemma spread_median t : median (spread t) = t.
Proof.
apply/order_statP; split.
  rewrite -[X in (_ <= X)%N](@card_initial h); last first.
    by rewrite ltnW // median_index.
  apply/subset_leq_card/subsetP=> i; rewrite !inE ffunE; case: ifP => // _.
  by case: ifP; rewrite ?ltxx // ltNge le_hi.
apply: (@leq_trans #|~: [set i : 'I_n | (i < h.+1)%N]|).
  apply/subset_leq_card/subsetP=> i; rewrite !inE ffunE ltnS.
  by case: (ltngtP i h) => // _; rewrite ?ltxx // ltNge lo_le.
by rewrite cardsCs setCK card_ord card_initial // median_index.
Qed.

Lemma spread_near t t' : (hamming (spread t) (spread t') <= 1)%N.
Proof.
rewrite -(cards1 (Ordinal (median_index h))); apply/subset_leq_card/subsetP=> i.
rewrite !inE !ffunE -val_eqE /=; case: ifP; rewrite ?eqxx // => _.
by case: ifP; rewrite ?eqxx.
Qed.

(* DP-13, the mechanism: it puts the same probability on the true median of  *)
(* each of these data sets.                                                  *)
Variables (R : realFieldType) (c : R).
Hypothesis c_ge1 : 1 <= c.
Variable len : dataset n T -> T -> option nat.
Hypothesis len_ok :
  is_length (@hamming n T) (fun S t => median S = t) len.

Theorem packing_attained t :
  mechanism c len (spread t) t = (1 + (#|T|.-1)%:R / c)^-1.
Proof.
have len0 : len (spread t) t = Some 0%N.
  have := len_ok (spread t) t; case: (len _ _) => [k [_ min]|none].
    suff d0 : hamming (spread t) (spread t) = 0%N.
      by have := min _ (spread_median t); rewrite d0 leqn0 => /eqP->.
    by apply/eqP; rewrite cards_eq0; apply/eqP/setP=> i; rewrite !inE eqxx.
  by case: (none _ (spread_median t)).
have len1 t' : t' != t -> len (spread t) t' = Some 1%N.
  move=> neq; have := len_ok (spread t) t'.
  case: (len _ _) => [k [[S' med dS'] min]|none]; last first.
    by case: (none _ (spread_median t')).
  congr Some; apply/eqP; rewrite eqn_leq.
  rewrite (leq_trans (min _ (spread_median t'))) ?spread_near // lt0n -dS'.
  apply: contra neq => /eqP /hamming0 e.
  by rewrite -med -e spread_median.
rewrite /mechanism /normaliser len0 (bigD1 t) //= len0 /= expr0 invr1 mul1r.
congr (_^-1); congr (_ + _).
rewrite (eq_bigr (fun=> c^-1)) => [|t' /len1 ->]; last by rewrite /= expr1.
by rewrite sumr_const (eq_card (B := predC1 t)) // cardC1 mulr_natl.
Qed.

(* DP-13, the bound, on these data sets. *)
Corollary spread_bound (C : R) (P : dataset n T -> T -> R) : 0 < C ->
  (forall S, \sum_t P S t = 1) ->
  (forall S S', (hamming S S' <= 1)%N -> forall t, P S t <= C * P S' t) ->
  exists t, P (spread t) t <= (1 + (#|T|.-1)%:R / C)^-1.
Proof.
move=> C0 sum1 private.
apply: (packing_bound (near := fun S S' => (hamming S S' <= 1)%N)) => //.
  exact: spread_near.
by apply/card_gt0P; exists lo.
Qed.

End Spread.

(* The hypotheses can be met: the universe 0 .. q with its lengths, and the  *)
(* inverse-sensitivity mechanism as private mechanism with C = c^2.          *)
Example grid_instance (R : realFieldType) (h q : nat) (c : R) : 1 <= c ->
  let T := [finOrderType of 'I_q.+1] in
  let med := order_stat (median_index h) : dataset h.*2.+1 T -> T in
  let len := order_length h : dataset h.*2.+1 T -> T -> option nat in
  [/\ forall t : T, ((ord0 : T) <= t)%O, forall t : T, (t <= (ord_max : T))%O,
      is_length (@hamming h.*2.+1 T) (fun S t => med S = t) len,
      forall S, \sum_t mechanism c len S t = 1
    & forall S S', (hamming S S' <= 1)%N ->
        forall t, mechanism c len S t <= c ^+ 2 * mechanism c len S' t].
Proof.
move=> c1 T med len.
have ok : is_length (@hamming h.*2.+1 T) (fun S t => med S = t) len.
  exact: order_statistic_length.
split=> [t|t||S|S S' d1 t] //.
- exact: leq_ord.
- exact: (mechanism_sum c1 ok).
have := inverse_sensitivity_private c1 ok (@hamming_triangle _ _)
  (@hamming_sym _ _) d1 (pred1 t).
by rewrite !big_pred1_eq expr1.
Qed.
