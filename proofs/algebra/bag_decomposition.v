(* Claim AGG-1: the instance-level loss is the bag-level loss plus the       *)
(* within-bag variance, for any predictions f, any number of bags m, any bag *)
(* size k > 0, over any field where m and k are not zero (in particular any  *)
(* field of characteristic 0).                                               *)
(*                                                                           *)
(* Samples are a finite type T, `bag : T -> B` puts each in one of m = #|B|  *)
(* bags of exactly k samples; n = m k.                                       *)
(*                                                                           *)
(*      bag_mean f a == average of f over bag a                              *)
(*  bag_loss y f, instance_loss y f == L_bag, L_ins; y are the individual    *)
(*                      labels, of which both losses see the bag means only  *)
(*         within f == R_w                                                   *)

From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp Require Import ring.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import GRing.Theory.
Local Open Scope ring_scope.

Section Bags.

Variables (R : fieldType) (T B : finType) (bag : T -> B) (k : nat).
Hypothesis bag_size : forall a, #|[pred i | bag i == a]| = k.
Hypothesis k_neq0 : k%:R != 0 :> R.

Local Notation m := #|B|.
Local Notation n := #|T|.
Hypothesis m_neq0 : m%:R != 0 :> R.

Implicit Types (y f : T -> R) (a : B).

Definition bag_mean f a := (\sum_(i | bag i == a) f i) / k%:R.

Definition bag_loss y f := (\sum_a (bag_mean y a - bag_mean f a) ^+ 2) / m%:R.

Definition instance_loss y f :=
  (\sum_a \sum_(i | bag i == a) (bag_mean y a - f i) ^+ 2) / n%:R.

Definition within f :=
  (\sum_a \sum_(i | bag i == a) (f i - bag_mean f a) ^+ 2) / n%:R.

Lemma sample_count : n = (m * k)%N.
Proof.
rewrite -sum1_card (partition_big bag xpredT) //=.
rewrite (eq_bigr (fun=> k)) ?sum_nat_const // => a _.
by rewrite sum1_card bag_size.
Qed.

Lemma n_neq0 : n%:R != 0 :> R.
Proof. by rewrite sample_count natrM mulf_neq0. Qed.

Lemma sum_bag_const a (c : R) : \sum_(i | bag i == a) c = c * k%:R.
Proof. by rewrite sumr_const bag_size mulr_natr. Qed.

Lemma sum_bag f a : \sum_(i | bag i == a) f i = bag_mean f a * k%:R.
Proof. by rewrite /bag_mean divfK. Qed.

(* Inside one bag. *)
Lemma one_bag (c : R) f a :
  \sum_(i | bag i == a) (c - f i) ^+ 2 =
  k%:R * (c - bag_mean f a) ^+ 2
  + \sum_(i | bag i == a) (f i - bag_mean f a) ^+ 2.
Proof.
set g := bag_mean f a.
rewrite (eq_bigr (fun i => (c - g) ^+ 2 - (c - g) *+ 2 * (f i - g)
                           + (f i - g) ^+ 2)); last by move=> i _; ring.
rewrite big_split sumrB /= sum_bag_const -mulr_sumr sumrB sum_bag sum_bag_const.
by rewrite -/g subrr mulr0 subr0 [_ * k%:R]mulrC.
Qed.

Let split_fraction (u w a v : R) : u != 0 -> w != 0 ->
  (u * a + v) / (w * u) = a / w + v / (w * u).
Proof. by move=> u0 w0; field; rewrite u0 w0. Qed.

(* AGG-1, first equality. *)
Theorem instance_is_bag_plus_within y f :
  instance_loss y f = bag_loss y f + within f.
Proof.
rewrite /instance_loss /bag_loss /within.
under eq_bigr do rewrite one_bag.
rewrite big_split /= -mulr_sumr sample_count natrM.
by rewrite split_fraction.
Qed.

(* AGG-1, the form with pairs. *)
Theorem within_pairs f : (2%:R : R) != 0 ->
  within f = (\sum_a \sum_(i | bag i == a) \sum_(j | bag j == a)
                (f i - f j) ^+ 2) / (2%:R * n%:R * k%:R).
Proof.
move=> two; rewrite /within.
have -> : \sum_a \sum_(i | bag i == a) \sum_(j | bag j == a) (f i - f j) ^+ 2
          = 2%:R * k%:R *
            \sum_a \sum_(i | bag i == a) (f i - bag_mean f a) ^+ 2.
  rewrite mulr_sumr; apply: eq_bigr => a _.
  under eq_bigr do rewrite one_bag.
  rewrite big_split /= sum_bag_const -mulr_sumr.
  rewrite (eq_bigr (fun i => (f i - bag_mean f a) ^+ 2)) //.
  by move: (\sum_(i | _) _) => v; ring.
rewrite [2 * _ * k%:R]mulrAC invfM mulrA; congr (_ * _).
by rewrite mulrAC divff ?mul1r // mulf_neq0.
Qed.

(* AGG-1, consequence: the mixture. R_w does not involve the labels. *)
Corollary mixture_is_bag_plus_within rho y f :
  rho * bag_loss y f + (1 - rho) * instance_loss y f =
  bag_loss y f + (1 - rho) * within f.
Proof. by rewrite instance_is_bag_plus_within; ring. Qed.

(* k = 1: no within-bag part. *)
Corollary within_singletons f : k = 1%N -> within f = 0.
Proof.
move=> k1; rewrite /within big1 ?mul0r // => a _; rewrite big1 // => i ia.
suff -> : bag_mean f a = f i by rewrite subrr expr0n.
have /card1P[x xP] : #|[pred j | bag j == a]| == 1%N by rewrite bag_size k1.
rewrite /bag_mean k1 divr1 (eq_bigl (pred1 x)) => [|j]; last exact: (xP j).
by rewrite big_pred1_eq; move: (xP i); rewrite inE ia => /esym/eqP->.
Qed.

(* Linear predictions: R_w = |D theta|^2 / n, where row i of D is x_i minus  *)
(* the mean of its bag.                                                      *)
Section Linear.

Variables (d : nat) (x : T -> 'rV[R]_d) (theta : 'cV[R]_d).

Definition predict i := (x i *m theta) 0 0.
Definition bag_mean_row a : 'rV[R]_d :=
  (k%:R)^-1 *: \sum_(i | bag i == a) x i.
Definition deviation i : 'rV[R]_d := x i - bag_mean_row (bag i).

Lemma bag_mean_predict a : bag_mean predict a = (bag_mean_row a *m theta) 0 0.
Proof.
rewrite /bag_mean /bag_mean_row -scalemxAl mulmx_suml mxE summxE mulrC.
by congr (_ * _); apply: eq_bigr.
Qed.

Corollary within_linear :
  within predict = (\sum_i ((deviation i *m theta) 0 0) ^+ 2) / n%:R.
Proof.
rewrite /within [in RHS](partition_big bag xpredT) //=; congr (_ / _).
apply: eq_bigr => a _; apply: eq_bigr => i /eqP ia.
rewrite bag_mean_predict /deviation ia mulmxBl; congr (_ ^+ 2).
by rewrite [RHS]mxE [X in _ = _ + X]mxE.
Qed.

End Linear.

End Bags.

(* The hypotheses can be met: m bags of k samples, for all m and k. *)
Example bags_of_equal_size (m k : nat) (a : 'I_m) :
  #|[pred i : 'I_m * 'I_k | i.1 == a]| = k.
Proof.
rewrite -[RHS]card_ord -(card_imset (mem 'I_k) (f := pair a)); last first.
  by move=> ? ? [].
apply: eq_card => -[u v]; rewrite inE /=.
by apply/eqP/imsetP => [->|[w _ [-> _]] //]; exists v.
Qed.
