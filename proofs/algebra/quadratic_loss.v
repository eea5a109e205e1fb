(* No claim: convex quadratic functions of a matrix, their gradient, convexity*)
(* and minimizers. Used by icl_minimizer (ICL-3) and icl_mixture (ICL-11).   *)
(*                                                                           *)
(*     operator L S A == sum_k L_k A S_k                                     *)
(*        form L S A  == sum_k tr(L_k A S_k A^T)                             *)
(*     qloss L S C c A == form A - 2 tr(C A^T) + c                           *)
(*     qgrad L S C A  == its gradient                                        *)

From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp Require Import ring.
From SolvableAlgebra Require Import psd.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Quadratic.

Variables (R : realFieldType) (n m : nat) (K : finType).
Variables (L : K -> 'M[R]_n) (S : K -> 'M[R]_m) (C : 'M[R]_(n, m)) (c : R).
Hypothesis Lpsd : forall k, psd (L k).
Hypothesis Spsd : forall k, psd (S k).
Implicit Types A B H : 'M[R]_(n, m).

Definition operator A : 'M[R]_(n, m) := \sum_k L k *m A *m S k.
Definition form A := \tr (operator A *m A^T).
Definition qloss A := form A - \tr (C *m A^T) *+ 2 + c.
Definition qgrad A : 'M[R]_(n, m) := (operator A - C) *+ 2.

Lemma operatorD A B : operator (A + B) = operator A + operator B.
Proof.
by rewrite /operator -big_split; apply: eq_bigr => k _; rewrite mulmxDr mulmxDl.
Qed.

Lemma operatorZ s A : operator (s *: A) = s *: operator A.
Proof.
rewrite /operator scaler_sumr; apply: eq_bigr => k _.
by rewrite -scalemxAr -scalemxAl.
Qed.

Lemma formE A : form A = \sum_k \tr (L k *m A *m S k *m A^T).
Proof. by rewrite /form mulmx_suml raddf_sum. Qed.

Lemma operator_sym A B : \tr (operator A *m B^T) = \tr (operator B *m A^T).
Proof.
rewrite /operator !mulmx_suml !raddf_sum; apply: eq_bigr => k _ /=.
rewrite -mxtrace_tr !trmx_mul trmxK (proj1 (Lpsd k)) (proj1 (Spsd k)).
by rewrite !mulmxA mxtrace_mulC !mulmxA.
Qed.

Lemma formD A B : form (A + B) = form A + \tr (operator A *m B^T) *+ 2 + form B.
Proof.
rewrite /form operatorD [(A + B)^T]raddfD /= mulmxDl !mulmxDr !mxtraceD.
by rewrite (operator_sym B A) mulr2n; ring.
Qed.

Lemma formZ s A : form (s *: A) = s ^+ 2 * form A.
Proof.
rewrite /form operatorZ linearZ /= -scalemxAl -scalemxAr !mxtraceZ.
by rewrite mulrA.
Qed.

Lemma form_ge0 A : 0 <= form A.
Proof. by rewrite formE; apply: sumr_ge0 => k _; apply: trace_ge0. Qed.

(* The gradient: exact expansion around any point. *)
Lemma qloss_shift A H : qloss (A + H) = qloss A + \tr (qgrad A *m H^T) + form H.
Proof.
rewrite /qloss /qgrad formD [(A + H)^T]raddfD /= mulmxDr mxtraceD.
rewrite !mulr2n mulmxDl mulmxBl !mxtraceD !raddfN /=.
move: (form A) (form H) (\tr (C *m A^T)) (\tr (C *m H^T)) => fA fH cA cH.
by move: (\tr (operator A *m H^T)) => f; ring.
Qed.

Lemma qloss_excess A0 A : operator A0 = C ->
  qloss A = qloss A0 + form (A - A0).
Proof.
move=> stat; rewrite -{1}(subrK A0 A) addrC qloss_shift /qgrad stat subrr.
by rewrite mul0rn mul0mx mxtrace0 addr0.
Qed.

Lemma qloss_min A0 : operator A0 = C -> qloss A0 = c - \tr (C *m A0^T).
Proof. by rewrite /qloss /form => ->; rewrite mulr2n; ring. Qed.

(* Exact convexity defect. *)
Lemma qloss_segment s A B :
  qloss (s *: A + (1 - s) *: B) =
  s * qloss A + (1 - s) * qloss B - s * (1 - s) * form (A - B).
Proof.
have -> : s *: A + (1 - s) *: B = B + s *: (A - B).
  by rewrite scalerBl scale1r scalerBr addrCA addrA addrAC -addrA.
have {2}-> : A = B + (A - B) by rewrite addrC subrK.
rewrite !qloss_shift formZ linearZ /= -scalemxAr mxtraceZ.
by move: (form _) (\tr (_ *m _)) (qloss B) => f g q; ring.
Qed.

Lemma qloss_minimizerP A :
  (forall B, qloss A <= qloss B) <-> operator A = C.
Proof.
split=> [min|stat B]; last by rewrite (qloss_excess B stat) ler_addl form_ge0.
pose G := operator A - C; apply/eqP; rewrite -subr_eq0 -/G.
pose g := \tr (G *m G^T); have g_ge0 : 0 <= g.
  by have := trace_ge0 G (psd1 R n) (psd1 R m); rewrite mulmx1 mul1mx.
have g0 : g = 0.
  apply/eqP/negPn/negP => gn0; have g_gt0 : 0 < g by rewrite lt_neqAle eq_sym gn0.
  have := form_ge0 G; set q := form G => q0.
  have q1 : 0 < q + 1 by rewrite ltr_paddl ?ltr01.
  have := min (A + (- (g / (q + 1))) *: G).
  rewrite qloss_shift formZ -/q -addrA ler_addl leNgt => /negP; apply.
  rewrite linearZ /= -scalemxAr mxtraceZ /qgrad -/G mulr2n mulmxDl mxtraceD -/g.
  have -> : - (g / (q + 1)) * (g + g) + (- (g / (q + 1))) ^+ 2 * q =
            - (g ^+ 2 * (q + 2%:R) / (q + 1) ^+ 2).
    by field; rewrite gt_eqF.
  by rewrite oppr_lt0 divr_gt0 ?mulr_gt0 ?exprn_gt0 // ltr_paddl ?ltr0n.
apply/eqP; have := @trace_eq0 _ _ _ _ G _ (psd1 R n) (psd1 R m).
by rewrite !mulmx1 !mul1mx; apply.
Qed.

End Quadratic.
