(* Claims DP-10 and DP-13: what pure privacy implies, and the packing bound. *)
(*                                                                           *)
(* A mechanism is a function P: P x E is the probability of the event E on   *)
(* the data set x (DP-10), P x t that of the single output t (DP-13). Data   *)
(* sets are lists of n points, neighbours differ by one replacement.         *)

From Coq Require Import Reals Lra Lia List Arith Classical_Prop.
From SolvableAnalysis Require Import hamming inverse_sensitivity.
Import ListNotations.

Local Open Scope R_scope.

(* ---- DP-10: private implies robust -------------------------------------- *)

Section Robust.

Variables (A Event : Type) (eq_dec : forall a b : A, {a = b} + {a <> b}).
Variables (n : nat) (eps : R) (P : list A -> Event -> R).
Hypothesis eps0 : 0 < eps.
Hypothesis private : forall x y E, length x = n -> length y = n ->
  (hamming A eq_dec x y <= 1)%nat -> P x E <= exp eps * P y E.

Lemma private_at_distance j x y E : length x = n -> length y = n ->
  hamming A eq_dec x y = j -> P x E <= exp (eps * INR j) * P y E.
Proof.
revert x; induction j as [|j IH]; intros x lx ly e.
- replace x with y.
  + simpl; rewrite Rmult_0_r, exp_0; lra.
  + assert (l : length x = length y) by lia.
    clear - l e; revert x l e; induction y as [|b y IHy];
      destruct x as [|a x]; simpl; intros; try discriminate; [reflexivity|].
    destruct (eq_dec a b); [|discriminate].
    subst b; f_equal; apply IHy; [lia|exact e].
- destruct (hamming_step A eq_dec x y j ltac:(lia) e) as [z [lz [xz zy]]].
  assert (lz' : length z = n) by lia.
  pose proof (private x z E lx lz' ltac:(lia)) as one.
  pose proof (IH z lz' ly zy) as rest.
  rewrite S_INR, Rmult_plus_distr_l, Rmult_1_r, exp_plus.
  apply Rmult_le_compat_l with (r := exp eps) in rest; [|apply Rlt_le, exp_pos].
  lra.
Qed.

Lemma robust_at_distance x y bad beta j : length x = n -> length y = n ->
  (hamming A eq_dec x y <= j)%nat -> 0 <= beta -> P x bad <= beta ->
  P y bad <= exp (eps * INR j) * beta.
Proof.
intros lx ly xy b0 xb; rewrite hamming_sym in xy.
pose proof (private_at_distance _ y x bad ly lx eq_refl) as H.
set (k := hamming A eq_dec y x) in *.
apply Rle_trans with (exp (eps * INR k) * beta).
- apply Rle_trans with (1 := H); apply Rmult_le_compat_l; [apply Rlt_le, exp_pos|exact xb].
- apply Rmult_le_compat_r; [exact b0|]; apply le_INR in xy.
  assert (le : eps * INR k <= eps * INR j) by (apply Rmult_le_compat_l; lra).
  destruct le as [lt|eq]; [left; apply exp_increasing, lt|right; rewrite eq; reflexivity].
Qed.

(* Corrupting j <= log(1/beta) / (2 eps) points leaves at most sqrt beta. *)
Lemma robust_sqrt x y bad beta j : length x = n -> length y = n ->
  (hamming A eq_dec x y <= j)%nat -> 0 < beta -> P x bad <= beta ->
  INR j <= ln (1 / beta) / (2 * eps) -> P y bad <= sqrt beta.
Proof.
intros lx ly xy b0 xb jb.
apply Rle_trans with (1 := robust_at_distance x y bad beta j lx ly xy (Rlt_le _ _ b0) xb).
pose proof (sqrt_lt_R0 beta b0) as s0.
pose proof (sqrt_sqrt beta (Rlt_le _ _ b0)) as ss.
assert (lb : ln beta = 2 * ln (sqrt beta)) by (rewrite <- ss at 1; rewrite ln_mult by lra; ring).
assert (ej : eps * INR j <= - ln (sqrt beta)).
{ apply Rmult_le_compat_l with (r := eps) in jb; [|lra].
  replace (eps * (ln (1 / beta) / (2 * eps))) with (ln (1 / beta) / 2) in jb by (field; lra).
  replace (1 / beta) with (/ beta) in jb by (field; lra).
  rewrite ln_Rinv, lb in jb by exact b0; lra. }
assert (ee : exp (eps * INR j) <= / sqrt beta).
{ rewrite <- (exp_ln (sqrt beta) s0) at 1; rewrite <- exp_Ropp.
  destruct ej as [lt|eq]; [left; apply exp_increasing, lt|right; rewrite eq; reflexivity]. }
apply Rle_trans with (/ sqrt beta * beta); [apply Rmult_le_compat_r; lra|].
right; rewrite <- ss at 2; field; lra.
Qed.

(* bad: the event that the output is further than alpha from mu. *)
Theorem private_is_robust x y bad beta j : length x = n -> length y = n ->
  (hamming A eq_dec x y <= j)%nat -> 0 < beta -> P x bad <= beta ->
  P y bad <= exp (eps * INR j) * beta /\
  (INR j <= ln (1 / beta) / (2 * eps) -> P y bad <= sqrt beta).
Proof.
intros lx ly xy b0 xb; split.
- apply (robust_at_distance x); try assumption; lra.
- apply (robust_sqrt x); assumption.
Qed.

End Robust.

(* ---- DP-13: packing ----------------------------------------------------- *)

(* h points at lo, one at t, h points at hi. *)
Definition packed (h lo hi t : nat) : list nat := repeat lo h ++ t :: repeat hi h.

Theorem packed_neighbours h lo hi t u : hamming nat Nat.eq_dec (packed h lo hi t) (packed h lo hi u)
  = if Nat.eq_dec t u then 0%nat else 1%nat.
Proof. apply hamming_app. Qed.

Lemma packed_length h lo hi t : length (packed h lo hi t) = (2 * h + 1)%nat.
Proof. unfold packed; rewrite app_length; simpl; rewrite !repeat_length; lia. Qed.

Lemma lsum_all_but_one (ts : list nat) t a c : NoDup ts -> In t ts ->
  lsum ts (fun u => if Nat.eq_dec u t then a else c) = a + (INR (length ts) - 1) * c.
Proof.
intros nd it.
assert (out : forall us, ~ In t us ->
  lsum us (fun u => if Nat.eq_dec u t then a else c) = INR (length us) * c).
{ induction us as [|u us IH]; intro no; [simpl; ring|].
  simpl lsum; rewrite IH by (intro; apply no; right; assumption).
  destruct (Nat.eq_dec u t); [exfalso; apply no; left; assumption|].
  simpl length; rewrite S_INR; ring. }
induction nd as [|u us no nd IH]; [destruct it|].
simpl lsum; simpl length; rewrite S_INR; destruct (Nat.eq_dec u t) as [->|ut].
- rewrite out by exact no; ring.
- destruct it as [e|it]; [contradiction|]; rewrite IH by exact it; ring.
Qed.

Lemma all_or_one (ts : list nat) (a : nat -> R) b :
  (exists t, In t ts /\ a t <= b) \/ (forall t, In t ts -> b < a t).
Proof.
induction ts as [|u us [[t [it at_]]|IH]]; [right; intros t []| |].
- left; exists t; split; [right|]; assumption.
- destruct (Rle_lt_dec (a u) b) as [l|l].
  + left; exists u; split; [left; reflexivity|exact l].
  + right; intros t [<-|it]; [exact l|apply IH, it].
Qed.

(* Any private mechanism misses on some S_t: grid gs of q points. *)
Theorem packing_bound (P : list nat -> nat -> R) (eps : R) (h lo hi : nat) (gs : list nat) :
  gs <> [] -> NoDup gs ->
  (forall x, length x = (2 * h + 1)%nat -> lsum gs (P x) <= 1) ->
  (forall x y t, length x = (2 * h + 1)%nat -> length y = (2 * h + 1)%nat ->
     (hamming nat Nat.eq_dec x y <= 1)%nat -> P x t <= exp eps * P y t) ->
  exists t, In t gs /\
    P (packed h lo hi t) t <= 1 / (1 + (INR (length gs) - 1) * exp (- eps)).
Proof.
intros ne nd mass private.
set (b := 1 / _); destruct (all_or_one gs (fun t => P (packed h lo hi t) t) b)
  as [?|all]; [assumption|exfalso].
destruct gs as [|t0 us]; [contradiction|]; clear ne.
assert (q1 : 1 <= INR (length (t0 :: us))) by (apply (le_INR 1); simpl; lia).
assert (e0 : 0 < exp (- eps)) by apply exp_pos.
assert (den : 0 < 1 + (INR (length (t0 :: us)) - 1) * exp (- eps))
  by (assert (0 <= (INR (length (t0 :: us)) - 1) * exp (- eps))
        by (apply Rmult_le_pos; lra); lra).
set (x0 := packed h lo hi t0).
specialize (mass x0 (packed_length _ _ _ _)); simpl in mass.
assert (first : b < P x0 t0) by (apply all; left; reflexivity).
assert (rest : INR (length us) * (exp (- eps) * b) <= lsum us (P x0)).
{ assert (each : forall t, In t us -> exp (- eps) * b <= P x0 t).
  { intros t it; specialize (all t (or_intror it)); simpl in all.
    pose proof (private (packed h lo hi t) x0 t (packed_length _ _ _ _)
      (packed_length _ _ _ _)) as le.
    specialize (le ltac:(unfold x0; rewrite packed_neighbours;
                         destruct (Nat.eq_dec t t0); lia)).
    replace (P x0 t) with (exp (- eps) * (exp eps * P x0 t)).
    - apply Rmult_le_compat_l; lra.
    - rewrite <- Rmult_assoc, <- exp_plus, Rplus_opp_l, exp_0; ring. }
  set (c := exp (- eps) * b) in *; clearbody c x0; clear - each.
  induction us as [|u us IH]; [simpl; lra|].
  change (INR (length (u :: us)) * c <= P x0 u + lsum us (P x0)).
  simpl length; rewrite S_INR.
  specialize (IH (fun t it => each t (or_intror it))).
  specialize (each u (or_introl eq_refl)); lra. }
assert (one : b + INR (length us) * (exp (- eps) * b) = 1).
{ unfold b; simpl length in *; rewrite S_INR in *; field; lra. }
lra.
Qed.

(* The median of 2 h + 1 points: at most h below it and at most h above. *)
Definition is_median (h : nat) (x : list nat) (t : nat) : Prop :=
  (length (filter (fun a => Nat.ltb a t) x) <= h)%nat /\
  (length (filter (fun a => Nat.ltb t a) x) <= h)%nat.

Lemma filter_repeat (p : nat -> bool) a k :
  length (filter p (repeat a k)) = if p a then k else 0%nat.
Proof.
induction k as [|k IH]; [destruct (p a); reflexivity|].
simpl; destruct (p a) eqn:e; simpl; rewrite IH; reflexivity.
Qed.

Lemma packed_median h lo hi t : (lo <= t <= hi)%nat -> is_median h (packed h lo hi t) t.
Proof.
intros [l u]; unfold is_median, packed.
rewrite !filter_app, !app_length; simpl; rewrite Nat.ltb_irrefl, !filter_repeat.
destruct (Nat.ltb_spec lo t), (Nat.ltb_spec hi t), (Nat.ltb_spec t lo), (Nat.ltb_spec t hi);
  lia.
Qed.

Lemma median_le h x s t : length x = (2 * h + 1)%nat ->
  is_median h x s -> is_median h x t -> (t <= s)%nat.
Proof.
intros lx [_ us] [lt _]; destruct (le_lt_dec t s) as [?|st]; [assumption|exfalso].
assert (split : forall y, (length y <= length (filter (fun a => Nat.ltb a t) y)
                            + length (filter (fun a => Nat.ltb s a) y))%nat).
{ induction y as [|a y IH]; simpl; [lia|].
  destruct (Nat.ltb_spec a t), (Nat.ltb_spec s a); simpl; lia. }
specialize (split x); lia.
Qed.

Lemma median_unique h x s t : length x = (2 * h + 1)%nat ->
  is_median h x s -> is_median h x t -> s = t.
Proof. intros lx ms mt; apply Nat.le_antisymm; eapply median_le; eassumption. Qed.

(* Data sets of 2 h + 1 points of the universe 0, ..., q - 1. *)
Definition data (h q : nat) :=
  {x : list nat | length x = (2 * h + 1)%nat /\ Forall (fun a => (a < q)%nat) x}.
Definition data_distance {h q} (x y : data h q) :=
  hamming nat Nat.eq_dec (proj1_sig x) (proj1_sig y).

Lemma packed_data h q t : (t < q)%nat ->
  length (packed h 0 (q - 1) t) = (2 * h + 1)%nat /\
  Forall (fun a => (a < q)%nat) (packed h 0 (q - 1) t).
Proof.
intro tq; split; [apply packed_length|].
apply Forall_forall; intros a ia; apply in_app_or in ia as [ia|[<-|ia]];
  [apply repeat_spec in ia|exact tq|apply repeat_spec in ia]; lia.
Qed.

Definition packed_point (h q t : nat) (tq : (t < q)%nat) : data h q :=
  exist (fun x => length x = (2 * h + 1)%nat /\ Forall (fun a => (a < q)%nat) x)
    (packed h 0 (q - 1) t) (packed_data h q t tq).

(* The inverse-sensitivity mechanism of the median hits S_t with probability *)
(* exactly 1 / (1 + (q - 1) e^(-eps/2)).                                     *)
Theorem inverse_sensitivity_on_packed (eps : R) (h q : nat) (f : data h q -> nat)
  (len : data h q -> nat -> option nat) :
  (forall x, is_median h (proj1_sig x) (f x)) ->
  (forall x t, path_length data_distance f x t (len x t)) ->
  forall t (tq : (t < q)%nat),
  probability _ _ len eps (seq 0 q) (fun _ => 1) (packed_point h q t tq)
    (fun u => if Nat.eq_dec u t then true else false)
  = 1 / (1 + (INR q - 1) * exp (- (eps / 2))).
Proof.
intros fm lenP t tq; set (x := packed_point h q t tq).
assert (fp : forall u uq, f (packed_point h q u uq) = u).
{ intros u uq; apply (median_unique h (packed h 0 (q - 1) u)).
  - apply packed_length.
  - apply (fm (packed_point h q u uq)).
  - apply packed_median; lia. }
assert (lenx : forall u, (u < q)%nat ->
  len x u = Some (if Nat.eq_dec u t then 0%nat else 1%nat)).
{ intros u uq; specialize (lenP x u); destruct (len x u) as [k|].
  - destruct lenP as [[x' [fx' dx']] least].
    specialize (least _ (fp u uq)); unfold data_distance, x in *; simpl in *.
    rewrite packed_neighbours in least; f_equal.
    destruct (Nat.eq_dec u t) as [->|ut]; destruct (Nat.eq_dec t _); try contradiction.
    + lia.
    + exfalso; apply ut; symmetry; exact e.
    + enough (k <> 0%nat) by lia; intros ->.
      apply ut; rewrite <- fx', <- (fp t tq); f_equal.
      destruct x' as [y py]; simpl in dx'.
      assert (y = packed h 0 (q - 1) t).
      { assert (ly : length (packed h 0 (q - 1) t) = length y)
          by (rewrite packed_length; symmetry; apply py).
        clear - dx' ly; revert y dx' ly.
        induction (packed h 0 (q - 1) t) as [|b z IH]; destruct y as [|a y];
          simpl; intros; try discriminate; [reflexivity|].
        destruct (Nat.eq_dec b a); [|discriminate].
        subst b; f_equal; apply IH; [exact dx'|lia]. }
      subst y; unfold packed_point; f_equal; apply Classical_Prop.proof_irrelevance.
  - exfalso; apply (lenP _ (fp u uq)). }
assert (w : forall u, In u (seq 0 q) -> weight _ _ len eps (fun _ => 1) x u
  = if Nat.eq_dec u t then 1 else exp (- (eps / 2))).
{ intros u iu; apply in_seq in iu; unfold weight; rewrite lenx by lia.
  destruct (Nat.eq_dec u t); simpl.
  - replace (- (eps * 0 / 2)) with 0 by field; rewrite exp_0; ring.
  - rewrite Rmult_1_l; f_equal; field. }
assert (ext : forall us w v, (forall u : nat, In u us -> w u = v u) -> lsum us w = lsum us v).
{ intro us; induction us as [|u us IH]; intros w' v e; [reflexivity|simpl].
  rewrite (IH w' v), e; [reflexivity|left; reflexivity|intros; apply e; right; assumption]. }
unfold probability.
rewrite (ext _ (weight _ _ len eps (fun _ => 1) x) _ w).
rewrite (ext (seq 0 q) _ (fun u => if Nat.eq_dec u t then 1 else 0)).
2:{ intros u iu; rewrite w by exact iu; destruct (Nat.eq_dec u t); reflexivity. }
assert (it : In t (seq 0 q)) by (apply in_seq; lia).
rewrite !lsum_all_but_one, seq_length by (apply seq_NoDup || exact it).
rewrite Rmult_0_r, Rplus_0_r; reflexivity.
Qed.

(* ---- instances: the hypotheses can be met ------------------------------- *)

(* A constant mechanism that fails with probability beta = e^(-4), eps = 1,  *)
(* one corrupted bit out of two.                                             *)
Example robust_instance :
  let P := fun (_ : list bool) (_ : unit) => / exp 4 in
  0 < 1 /\ (forall x y E, length x = 2%nat -> length y = 2%nat ->
    (hamming bool Bool.bool_dec x y <= 1)%nat -> P x E <= exp 1 * P y E) /\
  (hamming bool Bool.bool_dec [true; true] [true; false] <= 1)%nat /\
  0 < / exp 4 /\ INR 1 <= ln (1 / (/ exp 4)) / (2 * 1).
Proof.
assert (e0 : 0 < exp 4) by apply exp_pos.
assert (e1 : 1 < exp 1) by (rewrite <- exp_0 at 1; apply exp_increasing; lra).
assert (b0 : 0 < / exp 4) by (apply Rinv_0_lt_compat, e0).
cbv zeta; split; [lra|split; [intros; nra|split; [simpl; lia|split; [exact b0|]]]].
replace (1 / / exp 4) with (exp 4) by (field; lra); rewrite ln_exp; simpl; lra.
Qed.

(* A fair coin on a grid of two points. *)
Example packing_instance :
  let P := fun (_ : list nat) (_ : nat) => 1 / 2 in
  [0%nat; 1%nat] <> [] /\ NoDup [0%nat; 1%nat] /\
  (forall x, length x = (2 * 1 + 1)%nat -> lsum [0%nat; 1%nat] (P x) <= 1) /\
  (forall x y t, length x = (2 * 1 + 1)%nat -> length y = (2 * 1 + 1)%nat ->
     (hamming nat Nat.eq_dec x y <= 1)%nat -> P x t <= exp 1 * P y t).
Proof.
assert (1 < exp 1) by (rewrite <- exp_0 at 1; apply exp_increasing; lra).
simpl; split; [discriminate|split; [|split; intros; lra]].
repeat constructor; simpl; intuition discriminate.
Qed.

(* One point of a universe of three, reported as it is. *)
Example one_point_median :
  let f := fun x : data 0 3 => hd 0%nat (proj1_sig x) in
  let len := fun (x : data 0 3) t =>
    if Nat.ltb t 3 then Some (if Nat.eq_dec (f x) t then 0%nat else 1%nat) else None in
  (forall x, is_median 0 (proj1_sig x) (f x)) /\
  (forall x t, path_length data_distance f x t (len x t)) /\ (2 < 3)%nat.
Proof.
assert (one : forall x : data 0 3, exists a, proj1_sig x = [a] /\ (a < 3)%nat).
{ intros [[|a [|? ?]] [e u]]; try discriminate; exists a; split; [reflexivity|].
  inversion u; assumption. }
cbv zeta; split; [|split; [|lia]].
- intro x; destruct (one x) as [a [-> _]]; unfold is_median; simpl.
  rewrite Nat.ltb_irrefl; simpl; lia.
- intros x t; destruct (one x) as [a [ea _]]; rewrite ea; simpl hd.
  destruct (Nat.ltb_spec t 3) as [t3|t3]; simpl.
  + split.
    * exists (exist (fun x => length x = (2 * 0 + 1)%nat /\ Forall (fun a => (a < 3)%nat) x)
        [t] (conj eq_refl (Forall_cons t t3 (Forall_nil _)))).
      simpl; split; [reflexivity|unfold data_distance; rewrite ea; simpl].
      destruct (Nat.eq_dec a t); reflexivity.
    * intros y; destruct (one y) as [b [eb _]]; unfold data_distance; rewrite ea, eb; simpl.
      intro e; assert (bt : b = t) by (transitivity (hd 0%nat (proj1_sig y)); [rewrite eb; reflexivity|exact e]).
      rewrite bt; destruct (Nat.eq_dec a t); lia.
  + intros y e; destruct (one y) as [b [eb b3]].
    assert (bt : b = t) by (transitivity (hd 0%nat (proj1_sig y)); [rewrite eb; reflexivity|exact e]).
    lia.
Qed.
