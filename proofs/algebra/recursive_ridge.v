(* Claim ICL-57: recursive least squares with a rank-one update per example  *)
(* is ridge regression on the examples seen so far, in any order.            *)
(*                                                                           *)
(* Over any real field, ridge lam > 0, any dimension, any list of examples.  *)
(*                                                                           *)
(*  rank_one V x == V - V x x^T V / (1 + x^T V x)                            *)
(*  ridge lam s  == the pair (V, w) after the list of examples s; the last   *)
(*                  example of the list comes first, so s is the history     *)
(*  gram lam s, moment s == lam I + sum x x^T, sum y x                       *)

From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp Require Import ring.
From SolvableAlgebra Require Import psd.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section RankOne.

Variables (R : fieldType) (d : nat).
Implicit Types (A V : 'M[R]_d) (x : 'cV[R]_d).

Definition gain V x : R := 1 + (x^T *m V *m x) 0 0.
Definition rank_one V x : 'M[R]_d :=
  V - (gain V x)^-1 *: (V *m x *m x^T *m V).

(* Sherman-Morrison; no symmetry needed. *)
Theorem rank_one_inverse A V x : A *m V = 1%:M -> gain V x != 0 ->
  (A + x *m x^T) *m rank_one V x = 1%:M.
Proof.
move=> AV g0; rewrite /rank_one mulmxBr -scalemxAr !mulmxDl AV.
set P := x *m x^T *m V.
have -> : A *m (V *m x *m x^T *m V) = P by rewrite /P !mulmxA AV mul1mx.
have -> : x *m x^T *m (V *m x *m x^T *m V) = (x^T *m V *m x) 0 0 *: P.
  have -> : x *m x^T *m (V *m x *m x^T *m V) =
      x *m (x^T *m V *m x) *m (x^T *m V) by rewrite !mulmxA.
  by rewrite {1}[x^T *m V *m x]mx11_scalar mul_mx_scalar -scalemxAl mulmxA.
have -> : P + (x^T *m V *m x) 0 0 *: P = gain V x *: P.
  by rewrite /gain scalerDl scale1r.
by rewrite scalerA mulVf // scale1r addrK.
Qed.

End RankOne.

Section Ridge.

Variables (R : realFieldType) (d : nat) (lam : R).
Hypothesis lam_gt0 : 0 < lam.
Implicit Types (s : seq ('cV[R]_d * R)).

Fixpoint ridge s : 'M[R]_d * 'cV[R]_d :=
  if s is (x, y) :: s' then
    let: (V, w) := ridge s' in
    let V' := rank_one V x in
    (V', w + (y - (w^T *m x) 0 0) *: (V' *m x))
  else (lam^-1 *: 1%:M, 0).

Definition gram s : 'M[R]_d := lam%:M + \sum_(e <- s) e.1 *m e.1^T.
Definition moment s : 'cV[R]_d := \sum_(e <- s) e.2 *: e.1.

Lemma gram_psd s : psd (gram s).
Proof.
rewrite /gram; elim: s => [|[x y] s IH].
  by rewrite big_nil addr0 -scalemx1; apply: psdZ (ltW _) (psd1 _ _).
rewrite big_cons addrCA; apply: psdD IH.
by have := psd_conjT x (psd1 R 1); rewrite mulmx1.
Qed.

(* V is the inverse of the regularised Gram matrix at every step. *)
Lemma ridge_inverse s : gram s *m (ridge s).1 = 1%:M.
Proof.
elim: s => [|[x y] s IH] /=.
  rewrite /gram big_nil addr0 mul_scalar_mx scalerA divff ?gt_eqF //.
  by rewrite scale1r.
case: (ridge s) IH => V w /= GV.
have -> : gram ((x, y) :: s) = gram s + x *m x^T.
  by rewrite /gram big_cons /= addrCA addrC.
apply: rank_one_inverse => //; rewrite gt_eqF // /gain ltr_paddr ?ltr01 //.
have VTG : V^T *m gram s = 1%:M.
  by rewrite -(proj1 (gram_psd s)) -trmx_mul GV trmx1.
have VE : V = V^T *m gram s *m V by rewrite VTG mul1mx.
by rewrite -/(quad V x) VE; apply: (proj2 (psd_conj V (gram_psd s))).
Qed.

Lemma ridge_normal s : gram s *m (ridge s).2 = moment s.
Proof.
elim: s => [|[x y] s IH] /=; first by rewrite mulmx0 /moment big_nil.
have := ridge_inverse ((x, y) :: s); move: IH => /=.
case: (ridge s) => V w /= Gw GV.
have GE : gram ((x, y) :: s) = gram s + x *m x^T.
  by rewrite /gram big_cons /= addrCA addrC.
rewrite mulmxDr -scalemxAr mulmxA GV mul1mx {1}GE mulmxDl Gw.
have -> : x *m x^T *m w = (w^T *m x) 0 0 *: x.
  rewrite -mulmxA [x^T *m w]mx11_scalar mul_mx_scalar; congr (_ *: _).
  by rewrite -[w in LHS]trmxK -trmx_mul mxE.
by rewrite -addrA -scalerDl addrCA subrr addr0 /moment big_cons addrC.
Qed.

(* ICL-57: the recursion is ridge regression. *)
Theorem recursion_is_ridge s : (ridge s).2 = invmx (gram s) *m moment s.
Proof.
have [uG _] := mulmx1_unit (ridge_inverse s).
by rewrite -(ridge_normal s) mulKmx.
Qed.

(* ICL-57: the order of the examples does not matter. *)
Theorem ridge_any_order s s' : perm_eq s s' -> (ridge s).2 = (ridge s').2.
Proof.
move=> p; rewrite !recursion_is_ridge /gram /moment.
by rewrite (perm_big _ p) (perm_big _ p).
Qed.

End Ridge.

(* The hypotheses can be met. *)
Example ridge_instance (R : realFieldType) d (x : 'cV[R]_d) :
  (0 : R) < 1 /\ 1%:M *m 1%:M = 1%:M :> 'M[R]_d /\ gain 1%:M x != 0.
Proof.
rewrite ltr01 mul1mx; split=> //; split=> //.
by rewrite gt_eqF // ltr_paddr ?ltr01 // -/(quad 1%:M x) quad1_ge0.
Qed.
