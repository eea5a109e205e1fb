(* Claim DP-3: the path length of an order statistic, that is the least      *)
(* number of points to replace so that the j-th smallest becomes t. Any      *)
(* totally ordered universe, any n, any j.                                   *)
(*                                                                           *)
(* Indices here start from 0: j of the claim is j.+1, and n - (j of the      *)
(* claim) is n - j.+1.                                                       *)
(*                                                                           *)
(*   order_stat S j == entry j of the sorted data                            *)
(*  below S t, above S t == the L and U of the claim                         *)
(*  order_length j S t == max(0, L - j, U - (n - j.+1)), truncated           *)
(*                        subtraction of natural numbers                     *)

From mathcomp Require Import all_ssreflect.
From SolvableAlgebra Require Import inverse_sensitivity.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory.
Local Open Scope order_scope.

Section OrderStatistic.

Variables (disp : unit) (T : orderType disp) (n j : nat).
Hypothesis j_lt_n : (j < n)%N.
Implicit Types (S : dataset n T) (t : T).

Let i0 : 'I_n := Ordinal j_lt_n.

Definition sorted_data S := sort <=%O [seq S i | i <- enum 'I_n].
Definition order_stat S := nth (S i0) (sorted_data S) j.

Definition below S t := #|[set i | S i < t]|.
Definition above S t := #|[set i | t < S i]|.

Lemma size_sorted S : size (sorted_data S) = n.
Proof. by rewrite size_sort size_map size_enum_ord. Qed.

Lemma count_data S (p : pred T) :
  count p (sorted_data S) = #|[set i | p (S i)]|.
Proof.
rewrite (permP (permEl (perm_sort _ _))) count_map -sum1_count -sum1_card.
by rewrite big_enum_cond; apply: eq_bigl => i; rewrite !inE.
Qed.

Lemma sorted_nth S x i k : (i <= k)%N -> (k < n)%N ->
  nth x (sorted_data S) i <= nth x (sorted_data S) k.
Proof.
move=> ik kn; apply: (sorted_leq_nth le_trans le_refl) => //.
- exact: sort_le_sorted.
- by rewrite inE size_sorted (leq_ltn_trans ik).
- by rewrite inE size_sorted.
Qed.

(* Entries of a sequence of length n, cut at position k. *)
Lemma count_first (p : pred T) (s : seq T) k x : (k <= size s)%N ->
  (forall i, (k <= i < size s)%N -> ~~ p (nth x s i)) -> (count p s <= k)%N.
Proof.
move=> ks out; rewrite -(cat_take_drop k s) count_cat.
have -> : count p (drop k s) = 0%N.
  apply/eqP; rewrite -leqn0 leqNgt -has_count; apply/negP => /(has_nthP x)[i].
  rewrite size_drop nth_drop => ilt; apply/negP; apply: out.
  by rewrite leq_addr -ltn_subRL.
by rewrite addn0 (leq_trans (count_size _ _)) // size_takel.
Qed.

Lemma count_last (p : pred T) (s : seq T) k x : (k <= size s)%N ->
  (forall i, (i < k)%N -> ~~ p (nth x s i)) -> (count p s <= size s - k)%N.
Proof.
move=> ks out; rewrite -(cat_take_drop k s) count_cat.
have -> : count p (take k s) = 0%N.
  apply/eqP; rewrite -leqn0 leqNgt -has_count; apply/negP => /(has_nthP x)[i].
  by rewrite size_takel // => ik; rewrite nth_take //; apply/negP/out.
by rewrite add0n (leq_trans (count_size _ _)) // size_cat size_drop size_takel
  // subnKC.
Qed.

(* x_(j) = t iff at most j points lie below and at most n - j.+1 above.      *)
Lemma order_statP S t :
  order_stat S = t <-> (below S t <= j)%N /\ (above S t <= n - j.+1)%N.
Proof.
set s := sorted_data S; have sn : size s = n by apply: size_sorted.
have compl (p : pred T) : (count p s + count (predC p) s = n)%N.
  by rewrite count_predC sn.
have -> : below S t = count (fun x => x < t) s by rewrite count_data.
have -> : above S t = count (fun x => t < x) s by rewrite count_data.
rewrite /order_stat -/s.
split=> [<-|[lo hi]].
  split.
    apply: (@count_first _ _ _ (S i0)); rewrite sn ?(ltnW j_lt_n) // => i.
    by case/andP=> ji iN; rewrite -leNgt sorted_nth.
  rewrite -[in X in (_ <= X - _)%N]sn.
  apply: (@count_last _ _ _ (S i0)); rewrite ?sn // => i ij.
  by rewrite -leNgt sorted_nth.
apply: le_anti; apply/andP; split; rewrite leNgt; apply/negP => lt_t.
  have := compl (fun x => t < x).
  have : (count (predC (fun x => (t < x)%O)) s <= j)%N.
    apply: (@count_first _ _ _ (S i0)); rewrite sn ?(ltnW j_lt_n) // => i.
    case/andP=> ji iN; rewrite /= negbK (lt_le_trans lt_t) //.
    exact: sorted_nth.
  move=> c1 c2; move: (leq_add hi c1); rewrite c2.
  by rewrite -ltnS -addnS subnK // ltnn.
have := compl (fun x => x < t).
have : (count (predC (fun x => (x < t)%O)) s <= n - j.+1)%N.
  rewrite -[in X in (_ <= X - _)%N]sn.
  apply: (@count_last _ _ _ (S i0)); rewrite ?sn // => i ij.
  by rewrite /= negbK (le_lt_trans _ lt_t) // sorted_nth.
move=> c1 c2; move: (leq_add lo c1); rewrite c2.
by rewrite -ltnS -addSn subnKC // ltnn.
Qed.

(* --- the path length ------------------------------------------------------ *)

Definition order_length S t : option nat :=
  Some (maxn (below S t - j) (above S t - (n - j.+1))).

Lemma below_lipschitz S S' t : (below S t <= below S' t + hamming S S')%N.
Proof.
apply: leq_trans (leq_card_setU _ _); apply/subset_leq_card/subsetP=> i.
by rewrite !inE; case: (eqVneq (S i) (S' i)) => [->->//|]; rewrite orbT.
Qed.

Lemma above_lipschitz S S' t : (above S t <= above S' t + hamming S S')%N.
Proof.
apply: leq_trans (leq_card_setU _ _); apply/subset_leq_card/subsetP=> i.
by rewrite !inE; case: (eqVneq (S i) (S' i)) => [->->//|]; rewrite orbT.
Qed.

Lemma pick_subset (A : {set 'I_n}) k : (k <= #|A|)%N ->
  exists2 B : {set 'I_n}, B \subset A & #|B| = k.
Proof.
case/card_geqP=> s [us <- sA]; exists [set i in s].
  by apply/subsetP=> i; rewrite inE; apply: sA.
by rewrite cardsE; apply/card_uniqP.
Qed.

(* DP-3. *)
Theorem order_statistic_length :
  is_length (@hamming n T) (fun S t => order_stat S = t) order_length.
Proof.
move=> S t /=; have lower S' : order_stat S' = t ->
    (maxn (below S t - j) (above S t - (n - j.+1)) <= hamming S S')%N.
  case/order_statP=> lo hi; rewrite geq_max !leq_subLR.
  rewrite (leq_trans (below_lipschitz S S' t)) ?leq_add2r //.
  by rewrite (leq_trans (above_lipschitz S S' t)) ?leq_add2r.
split=> [|S' /lower //].
have [A Alo cA] := pick_subset (leq_subr j (below S t)).
have [B Bhi cB] := pick_subset (leq_subr (n - j.+1) (above S t)).
pose S' : dataset n T := [ffun i => if i \in A :|: B then t else S i].
have hit : order_stat S' = t.
  apply/order_statP; split.
    apply: (@leq_trans #|[set i | S i < t] :\: A|).
      apply/subset_leq_card/subsetP=> i; rewrite !inE ffunE !inE.
      by case: (i \in A) => //=; [rewrite ltxx|case: ifP; rewrite ?ltxx].
    by rewrite cardsD (setIidPr Alo) cA -/(below S t) leq_subLR addnC -leq_subLR.
  apply: (@leq_trans #|[set i | t < S i] :\: B|).
    apply/subset_leq_card/subsetP=> i; rewrite !inE ffunE !inE orbC.
    by case: (i \in B) => //=; [rewrite ltxx|case: ifP; rewrite ?ltxx].
  by rewrite cardsD (setIidPr Bhi) cB -/(above S t) leq_subLR addnC -leq_subLR.
exists S' => //; apply/eqP; rewrite eqn_leq (lower _ hit) andbT.
apply: (@leq_trans #|A :|: B|).
  apply/subset_leq_card/subsetP=> i; rewrite inE ffunE.
  by case: ifP => // _; rewrite eqxx.
have total : (below S t + above S t <= n)%N.
  rewrite -[X in (_ <= X)%N](card_ord n) -cardsT -cardsUI.
  have -> : [set i | S i < t] :&: [set i | t < S i] = set0.
    by apply/setP=> i; rewrite !inE; apply: lt_asym.
  by rewrite cards0 addn0 subset_leq_card // subsetT.
rewrite (leq_trans (leq_card_setU _ _)) // cA cB.
have [lo|hi] := leqP (below S t) j.
  by rewrite (eqP lo) max0n.
suff /eqP-> : (above S t <= n - j.+1)%N by rewrite maxn0 addn0.
by rewrite leq_subRL // (leq_trans _ total) // leq_add2r.
Qed.

End OrderStatistic.

(* The hypothesis can be met: the median of 2 h + 1 points; any universe.    *)
Example median_index (h : nat) : (h < h.*2.+1)%N.
Proof. by rewrite ltnS -addnn leq_addr. Qed.
