(* Claims DP-1 and DP-10: path lengths are 1-Lipschitz in the number of      *)
(* replaced points, the inverse-sensitivity mechanism is differentially      *)
(* private, and a private mechanism is robust.                               *)
(*                                                                           *)
(* Everything holds over any real field R. c >= 1 of R stands for            *)
(* exp(eps/2), so that weights are c^-len and c ^+ 2 is exp(eps); in DP-10   *)
(* C stands for exp(eps). n points of any type Z with decidable equality, a  *)
(* finite set T of outputs.                                                  *)
(*                                                                           *)
(*       dataset n Z == functions from the n positions to Z                  *)
(*     hamming S S'  == number of replaced points                            *)
(*  is_length d hit len == len S t is the least d S S' with hit S' t, None if*)
(*                      there is none. hit S' t is f S' = t in DP-1, and     *)
(*                      |f S' - t| <= rho in DP-2                            *)
(*       weight c l  == c^-k for l = Some k, 0 for None                      *)
(*  mechanism c len S t == the probability of output t on data S             *)

From mathcomp Require Import all_ssreflect all_algebra.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

(* --- replaced points ------------------------------------------------------ *)

Section Hamming.

Variables (n : nat) (Z : eqType).
Definition dataset := {ffun 'I_n -> Z}.
Implicit Types S : dataset.

Definition hamming S S' := #|[set i | S i != S' i]|.

Lemma hamming_sym S S' : hamming S S' = hamming S' S.
Proof. by apply: eq_card => i; rewrite !inE eq_sym. Qed.

Lemma hamming_triangle S S' S'' :
  (hamming S S'' <= hamming S S' + hamming S' S'')%N.
Proof.
apply: leq_trans (leq_card_setU _ _); apply/subset_leq_card/subsetP=> i.
by rewrite !inE; apply: contraR; rewrite negb_or !negbK => /andP[/eqP-> ].
Qed.

Lemma hamming0 S S' : hamming S S' = 0%N -> S = S'.
Proof.
move=> /eqP; rewrite cards_eq0 => /eqP e; apply/ffunP=> i.
by apply/eqP; have := in_set0 i; rewrite -e inE => /negbFE.
Qed.

(* One point after the other. *)
Lemma hamming_step S S' j : hamming S S' = j.+1 ->
  exists2 S1, (hamming S S1 <= 1)%N & hamming S1 S' = j.
Proof.
move=> e; have /card_gt0P[i iP] : (0 < hamming S S')%N by rewrite e.
exists [ffun k => if k == i then S' i else S k].
  rewrite -(cards1 i); apply/subset_leq_card/subsetP=> k.
  by rewrite !inE ffunE; have [->|] := eqVneq k i; rewrite ?eqxx.
move: e; rewrite /hamming (cardsD1 i) iP => -[<-]; apply: eq_card => k.
by rewrite !inE ffunE; have [->|] := eqVneq k i; rewrite ?eqxx.
Qed.

End Hamming.

(* --- path lengths --------------------------------------------------------- *)

Section Length.

Variables (D T : Type) (d : D -> D -> nat) (hit : D -> T -> Prop).
Variable len : D -> T -> option nat.

Definition is_length := forall S t,
  if len S t is Some k then
    (exists2 S', hit S' t & d S S' = k) /\
    (forall S', hit S' t -> (k <= d S S')%N)
  else forall S', ~ hit S' t.

Hypothesis len_ok : is_length.
Hypothesis triangle : forall S S' S'', (d S S'' <= d S S' + d S' S'')%N.

(* DP-1: lengths change by at most the number of replaced points (exchange   *)
(* S and S' for the other direction), and are finite together.               *)
Theorem length_lipschitz S S' t k' : len S' t = Some k' ->
  exists2 k, len S t = Some k & (k <= d S S' + k')%N.
Proof.
move=> e; have := len_ok S' t; rewrite e => -[[S1 hit1 d1] _].
have := len_ok S t; case: (len S t) => [k [_ min]|none]; last first.
  by case: (none S1 hit1).
by exists k => //; rewrite -d1 (leq_trans (min _ hit1)).
Qed.

End Length.

(* --- the mechanism -------------------------------------------------------- *)

Section Mechanism.

Variables (R : realFieldType) (c : R).
Hypothesis c_ge1 : 1 <= c.

Definition weight (l : option nat) : R := if l is Some k then c ^- k else 0.

Let c_gt0 : 0 < c. Proof. exact: lt_le_trans ltr01 c_ge1. Qed.

Lemma weight_ge0 l : 0 <= weight l.
Proof. by case: l => //= k; rewrite invr_ge0 exprn_ge0 // ltW. Qed.

Variables (D : Type) (T : finType) (d : D -> D -> nat) (f : D -> T).
Variable len : D -> T -> option nat.
Hypothesis len_ok : is_length d (fun S t => f S = t) len.
Hypothesis triangle : forall S S' S'', (d S S'' <= d S S' + d S' S'')%N.
Hypothesis symmetric : forall S S', d S S' = d S' S.

Definition normaliser S := \sum_t weight (len S t).
Definition mechanism S t := weight (len S t) / normaliser S.

Lemma weight_change S S' t j : (d S S' <= j)%N ->
  weight (len S' t) <= c ^+ j * weight (len S t).
Proof.
move=> dj; case e : (len S' t) => [k'|]; last first.
  by rewrite mulr_ge0 ?weight_ge0 // exprn_ge0 // ltW.
have [k -> /= kk'] := length_lipschitz len_ok triangle S e.
rewrite ler_pdivl_mulr ?exprn_gt0 // mulrC ler_pdivr_mulr ?exprn_gt0 //.
by rewrite -exprD ler_weexpn2l // (leq_trans kk') // leq_add2r.
Qed.

Lemma normaliser_change S S' j : (d S S' <= j)%N ->
  normaliser S' <= c ^+ j * normaliser S.
Proof.
by move=> dj; rewrite mulr_sumr; apply: ler_sum => t _; apply: weight_change.
Qed.

Lemma normaliser_gt0 S : 0 < normaliser S.
Proof.
rewrite /normaliser (bigD1 (f S)) //= ltr_paddr ?sumr_ge0 // => [t _|].
  exact: weight_ge0.
have := len_ok S (f S); case: (len S (f S)) => [k _ /=|none].
  by rewrite invr_gt0 exprn_gt0.
by case: (none S).
Qed.

(* The mechanism is a probability on T. *)
Lemma mechanism_ge0 S t : 0 <= mechanism S t.
Proof. by rewrite divr_ge0 ?weight_ge0 // ltW // normaliser_gt0. Qed.

Lemma mechanism_sum S : \sum_t mechanism S t = 1.
Proof. by rewrite -mulr_suml divff // gt_eqF // normaliser_gt0. Qed.

(* DP-1 for data sets at distance j; j = 1 is the privacy of DP-1.           *)
Theorem inverse_sensitivity_private S S' j : (d S S' <= j)%N ->
  forall E : {pred T},
  \sum_(t in E) mechanism S t <= (c ^+ 2) ^+ j * \sum_(t in E) mechanism S' t.
Proof.
move=> dj E; rewrite mulr_sumr; apply: ler_sum => t _; rewrite /mechanism.
have dj' : (d S' S <= j)%N by rewrite symmetric.
have Z0 := normaliser_gt0.
have w : weight (len S t) / normaliser S <=
         c ^+ j * weight (len S' t) / normaliser S.
  by rewrite ler_pmul2r ?invr_gt0 // weight_change.
apply: le_trans w _; rewrite exprAC mulrA expr2 -[c ^+ j * c ^+ j * _]mulrA.
rewrite -!mulrA ler_pmul2l ?exprn_gt0 // mulrCA ler_wpmul2l ?weight_ge0 //.
rewrite ler_pdivl_mulr // mulrC ler_pdivr_mulr //; exact: normaliser_change.
Qed.

End Mechanism.

(* --- private implies robust, DP-10 --------------------------------------- *)

Section Robust.

Variables (R : realFieldType) (C : R) (n : nat) (Z : eqType).
Hypothesis C_ge0 : 0 <= C.

(* fail S = probability that the mechanism misses the truth by more than     *)
(* alpha on data S, any event will do.                                       *)
Variable fail : dataset n Z -> R.
Hypothesis private : forall S S',
  (hamming S S' <= 1)%N -> fail S <= C * fail S'.

Theorem private_is_robust S S' beta : fail S <= beta ->
  fail S' <= C ^+ hamming S S' * beta.
Proof.
move e: (hamming S S') => j; elim: j S' e => [|j IH] S' e fb.
  by rewrite expr0 mul1r -(hamming0 e).
have [S1 d1 dj] : exists2 S1, (hamming S' S1 <= 1)%N & hamming S1 S = j.
  by apply: hamming_step; rewrite hamming_sym.
apply: le_trans (private d1) _; rewrite exprS -mulrA ler_wpmul2l //.
by apply: IH => //; rewrite hamming_sym.
Qed.

(* As long as C^(2 j) beta <= 1, that is j <= log(1/beta) / (2 eps), the     *)
(* failure probability stays below the square root of beta.                  *)
Theorem robust_up_to_square_root S S' beta : (forall S, 0 <= fail S) ->
  fail S <= beta -> C ^+ (2 * hamming S S') * beta <= 1 ->
  fail S' ^+ 2 <= beta.
Proof.
move=> f0 fb small; have fg := private_is_robust S' fb.
have b0 : 0 <= beta by apply: le_trans (f0 S) fb.
apply: (@le_trans _ _ ((C ^+ hamming S S' * beta) ^+ 2)).
  by rewrite ler_expn2r // nnegrE // mulr_ge0 // exprn_ge0.
rewrite exprMn -exprM mulnC -[beta in X in _ <= X]mul1r [beta ^+ 2]expr2 mulrA.
by rewrite ler_wpmul2r.
Qed.

End Robust.

(* The hypotheses can be met: on a finite universe lengths exist for every   *)
(* estimator, the Hamming distance is a metric, and the mechanism itself is  *)
(* an instance of DP-10 with C = c^2.                                        *)
Section FiniteUniverse.

Variables (D : finType) (T : eqType) (d : D -> D -> nat) (f : D -> T).

Definition finite_length S t : option nat :=
  if [pick S' | f S' == t] is Some S0 then
    Some (d S [arg min_(S' < S0 | f S' == t) d S S'])
  else None.

Lemma finite_length_ok : is_length d (fun S t => f S = t) finite_length.
Proof.
move=> S t; rewrite /finite_length; case: pickP => [S0 /= fS0|none S' fS'].
  case: arg_minnP => // S1 /eqP fS1 min; split; first by exists S1.
  by move=> S' /eqP; apply: min.
by have := none S'; rewrite fS' eqxx.
Qed.

End FiniteUniverse.

Example finite_universe (R : realFieldType) (n : nat) (Z T : finType)
    (f : dataset n Z -> T) (c : R) (E : {pred T}) : 1 <= c ->
  let d := @hamming n Z in
  let len := finite_length d f in
  [/\ is_length d (fun S t => f S = t) len,
      forall S S' S'', (d S S'' <= d S S' + d S' S'')%N
    & forall S S', (hamming S S' <= 1)%N ->
        \sum_(t in E) mechanism c len S t <=
        c ^+ 2 * \sum_(t in E) mechanism c len S' t].
Proof.
move=> c1 d len; have ok := @finite_length_ok _ _ d f; split=> [//|S S' S''|S S'].
  exact: hamming_triangle.
move=> d1; have := inverse_sensitivity_private c1 ok (@hamming_triangle n Z)
  (@hamming_sym n Z) d1 E.
by rewrite expr1.
Qed.
