(* Setting of the DP claims (DP-1, DP-10, DP-13): the Hamming distance of    *)
(* data sets, a metric in which points at distance j are joined by j single  *)
(* replacements.                                                             *)
(*                                                                           *)
(* A data set is a list; A is any type of data points with decidable         *)
(* equality. Lists of different lengths are compared too (each surplus point *)
(* counts 1), only so that the distance is total; replacements keep the      *)
(* length.                                                                   *)

From Coq Require Import List Lia Arith.
Import ListNotations.

Section Hamming.

Variable A : Type.
Variable eq_dec : forall a b : A, {a = b} + {a <> b}.

Fixpoint hamming (x y : list A) : nat :=
  match x, y with
  | [], _ => length y
  | _, [] => length x
  | a :: x', b :: y' => (if eq_dec a b then 0 else 1) + hamming x' y'
  end.

Lemma hamming_self x : hamming x x = 0.
Proof.
induction x as [|a x IH]; [reflexivity|simpl].
destruct (eq_dec a a); [exact IH|contradiction].
Qed.

Lemma hamming_sym x y : hamming x y = hamming y x.
Proof.
revert y; induction x as [|a x IH]; destruct y as [|b y]; try reflexivity; simpl.
rewrite IH; destruct (eq_dec a b), (eq_dec b a); congruence || reflexivity.
Qed.

Lemma hamming_nil_r x : hamming x [] = length x.
Proof. destruct x; reflexivity. Qed.

Lemma hamming_length x y : length x <= hamming x y + length y.
Proof.
revert y; induction x as [|a x IH]; destruct y as [|b y]; simpl; try lia.
specialize (IH y); destruct (eq_dec a b); lia.
Qed.

Lemma hamming_triangle x y z : hamming x z <= hamming x y + hamming y z.
Proof.
revert y z; induction x as [|a x IH]; intros y z.
- rewrite hamming_sym, hamming_nil_r; simpl.
  pose proof (hamming_length z y); rewrite (hamming_sym y z); lia.
- destruct y as [|b y].
  + destruct z as [|c z]; simpl; [lia|].
    specialize (IH [] z); rewrite hamming_nil_r in IH; simpl in IH.
    destruct (eq_dec a c); lia.
  + destruct z as [|c z].
    * pose proof (hamming_length (a :: x) (b :: y)).
      rewrite !hamming_nil_r; exact H.
    * simpl; specialize (IH y z).
      destruct (eq_dec a c), (eq_dec a b), (eq_dec b c); congruence || lia.
Qed.

(* One replacement on the way from x to y. *)
Lemma hamming_step x y j : length x = length y -> hamming x y = S j ->
  exists z, length z = length x /\ hamming x z = 1 /\ hamming z y = j.
Proof.
revert y j; induction x as [|a x IH]; destruct y as [|b y]; simpl; try discriminate.
intros j len e; injection len as len.
destruct (eq_dec a b) as [ab|ab].
- destruct (IH y j len e) as [z [lz [xz zy]]].
  exists (a :: z); simpl; rewrite lz; split; [reflexivity|].
  destruct (eq_dec a a), (eq_dec a b); try contradiction; split; assumption.
- exists (b :: x); simpl; split; [reflexivity|].
  destruct (eq_dec a b), (eq_dec b b); try contradiction.
  rewrite hamming_self; split; [reflexivity|injection e; auto].
Qed.

Lemma hamming_app u x y v : hamming (u ++ x :: v) (u ++ y :: v) = if eq_dec x y then 0 else 1.
Proof.
induction u as [|a u IH]; simpl.
- rewrite hamming_self, Nat.add_0_r; reflexivity.
- destruct (eq_dec a a); [exact IH|contradiction].
Qed.

End Hamming.
