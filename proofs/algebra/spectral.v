(* No claim: eigenbasis and square root of a positive semidefinite matrix    *)
(* over any real closed field. Used by icl_population (ICL-3).               *)

From mathcomp Require Import all_ssreflect all_algebra.
From SolvableAlgebra Require Import psd svd.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Spectral.

Variables (R : rcfType) (n : nat).
Implicit Types P : 'M[R]_n.

(* P + I = Y Y^T with Y invertible; its singular vectors are a basis.        *)
Lemma psd_eigenbasis P : psd P -> exists (B : 'M[R]_n) (beta : 'rV[R]_n),
  B^T *m B = 1%:M /\ P = B *m diag_mx beta *m B^T.
Proof.
move=> Ppsd; have [V [c [c0 PE]]] := psd_diag (psdD Ppsd (psd1 R n)).
pose Y := V *m diag_mx (\row_i Num.sqrt (c 0 i)).
have YY : Y *m Y^T = P + 1%:M.
  rewrite PE /Y trmx_mul tr_diag_mx mulmxA -[V *m _ *m diag_mx _]mulmxA mulmx_diag.
  congr (_ *m diag_mx _ *m _); apply/rowP=> i; rewrite !mxE -expr2 sqr_sqrtr //.
have YYu : Y *m Y^T \in unitmx.
  apply: pd_unit; rewrite YY; split=> [|x x0].
    by rewrite raddfD /= (proj1 Ppsd) trmx1.
  by rewrite quadD ltr_paddl ?(proj2 Ppsd) // (proj2 (pd1 R n)).
have [k [U [s [W [YE UU WW s0]]]]] := svd_exists Y.
have kn : k = n.
  apply/eqP; rewrite eqn_leq; apply/andP; split.
    rewrite -(mxrank1 R k) -UU; apply: leq_trans (mxrankM_maxl _ _) _.
    exact: rank_leq_col.
  have := mxrank_unit YYu; rewrite YE -!mulmxA => <-.
  apply: leq_trans (mxrankM_maxl _ _) _; exact: rank_leq_col.
subst k; have UU' : U *m U^T = 1%:M by apply: mulmx1C.
exists U, (\row_i (s 0 i * s 0 i - 1)); split=> //.
have -> : diag_mx (\row_i (s 0 i * s 0 i - 1)) = diag_mx s *m diag_mx s - 1%:M.
  rewrite mulmx_diag; apply/matrixP=> i j; rewrite !mxE.
  by case: eqP => _; rewrite ?mulr1n ?mulr0n ?subr0.
rewrite mulmxBr mulmx1 mulmxBl UU'; apply/eqP; rewrite eq_sym subr_eq -YY YE.
rewrite !trmx_mul trmxK tr_diag_mx !mulmxA -[U *m diag_mx s *m W^T *m W]mulmxA WW.
by rewrite mulmx1.
Qed.

Lemma eigenbasis_ge0 P (B : 'M[R]_n) beta i : psd P -> B^T *m B = 1%:M ->
  P = B *m diag_mx beta *m B^T -> 0 <= beta 0 i.
Proof.
move=> [_ pos] BB PE; have := pos (col i B); rewrite PE quad_col.
rewrite !mulmxA BB mul1mx -mulmxA BB mulmx1.
by rewrite mxE eqxx mulr1n.
Qed.

(* The symmetric square root. *)
Lemma psd_root P : psd P -> exists F : 'M[R]_n, psd F /\ P = F *m F^T.
Proof.
move=> Ppsd; have [B [beta [BB PE]]] := psd_eigenbasis Ppsd.
pose r := \row_i Num.sqrt (beta 0 i); pose F := B *m diag_mx r *m B^T.
have r0 i : 0 <= r 0 i by rewrite mxE sqrtr_ge0.
have Fpsd : psd F.
  apply: psd_conjT; split=> [|x]; first by rewrite tr_diag_mx.
  rewrite /quad mul_mx_diag mxE; apply: sumr_ge0 => i _; rewrite !mxE mulrAC.
  by rewrite -expr2 mulr_ge0 ?sqr_ge0 ?sqrtr_ge0.
exists F; split=> //; rewrite (proj1 Fpsd) /F !mulmxA -[_ *m B^T *m B]mulmxA BB.
rewrite mulmx1 -[_ *m diag_mx r *m diag_mx r]mulmxA mulmx_diag PE.
congr (_ *m diag_mx _ *m _); apply/rowP=> i; rewrite !mxE -expr2 sqr_sqrtr //.
exact: eigenbasis_ge0 PE.
Qed.

End Spectral.
