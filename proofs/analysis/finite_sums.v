(* No claim: finite sums over lists, used by deterministic_equivalent and    *)
(* general_loss.                                                             *)

From Coq Require Import Reals Lra List.
Import ListNotations.

Local Open Scope R_scope.

Definition total {A} (l : list A) (f : A -> R) : R := fold_right (fun a s => f a + s) 0 l.

Section Sums.

Variable A : Type.
Implicit Types (l : list A) (f g : A -> R).

Lemma total_ext l f g : (forall a, In a l -> f a = g a) -> total l f = total l g.
Proof.
induction l as [|a l IH]; intro e; [reflexivity|simpl].
rewrite IH, e; [reflexivity|left; reflexivity|intros; apply e; right; assumption].
Qed.

Lemma total_le l f g : (forall a, In a l -> f a <= g a) -> total l f <= total l g.
Proof.
induction l as [|a l IH]; intro le; simpl; [lra|].
pose proof (le a (or_introl eq_refl)).
pose proof (IH (fun b ib => le b (or_intror ib))); lra.
Qed.

Lemma total_lt l f g : (forall a, In a l -> f a <= g a) -> (exists a, In a l /\ f a < g a) ->
  total l f < total l g.
Proof.
induction l as [|a l IH]; intros le [b [ib lt]]; [destruct ib|simpl].
pose proof (le a (or_introl eq_refl)).
pose proof (total_le l f g (fun b ib => le b (or_intror ib))).
destruct ib as [->|ib]; [lra|].
pose proof (IH (fun b ib => le b (or_intror ib)) (ex_intro _ b (conj ib lt))); lra.
Qed.

Lemma total_scal l c f : total l (fun a => c * f a) = c * total l f.
Proof. induction l as [|a l IH]; simpl; [ring|rewrite IH; ring]. Qed.

Lemma total_plus l f g : total l (fun a => f a + g a) = total l f + total l g.
Proof. induction l as [|a l IH]; simpl; [ring|rewrite IH; ring]. Qed.

Lemma total_minus l f g : total l (fun a => f a - g a) = total l f - total l g.
Proof. induction l as [|a l IH]; simpl; [ring|rewrite IH; ring]. Qed.

Lemma total_const l c : total l (fun _ => c) = INR (length l) * c.
Proof.
induction l as [|a l IH]; [simpl; ring|].
simpl length; rewrite S_INR; simpl; rewrite IH; ring.
Qed.

Lemma total_zero l : total l (fun _ => 0) = 0.
Proof. induction l as [|a l IH]; simpl; [reflexivity|rewrite IH; ring]. Qed.

Lemma total_continuous l (f : A -> R -> R) x : (forall a, In a l -> continuity_pt (f a) x) ->
  continuity_pt (fun x => total l (fun a => f a x)) x.
Proof.
induction l as [|a l IH]; intro c; simpl.
- apply continuity_pt_const; intros ? ?; reflexivity.
- apply (continuity_pt_plus (f a) (fun x => total l (fun a => f a x))).
  + apply c; left; reflexivity.
  + apply IH; intros; apply c; right; assumption.
Qed.

End Sums.
