(* No claim: positive semidefinite matrices over any real field, without     *)
(* square roots. Used by icl_minimizer (ICL-3), reduced_flow (ICL-21).       *)
(*                                                                           *)
(*     quad M x == x^T M x                                                   *)
(*        psd M == M is symmetric and x^T M x >= 0 for all x                 *)
(*         pd M == M is symmetric and x^T M x > 0 for all x <> 0             *)
(*     psd_diag == every psd M is V diag(c) V^T with c >= 0 (elimination,    *)
(*                 Sylvester's form; holds in the rationals too)             *)

From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp Require Import ring.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Psd.

Variable R : realFieldType.

Definition quad n (M : 'M[R]_n) (x : 'cV[R]_n) : R := (x^T *m M *m x) 0 0.

Definition psd n (M : 'M[R]_n) := M^T = M /\ forall x, 0 <= quad M x.
Definition pd n (M : 'M[R]_n) := M^T = M /\ forall x, x != 0 -> 0 < quad M x.

Lemma addmxE m n (A B : 'M[R]_(m, n)) i j : (A + B) i j = A i j + B i j.
Proof. by rewrite mxE. Qed.

Lemma oppmxE m n (A : 'M[R]_(m, n)) i j : (- A) i j = - A i j.
Proof. by rewrite mxE. Qed.

Lemma scalemxE m n a (A : 'M[R]_(m, n)) i j : (a *: A) i j = a * A i j.
Proof. by rewrite mxE. Qed.

Lemma mx11E (A B : 'M[R]_1) : A 0 0 = B 0 0 -> A = B.
Proof. by move=> e; apply/matrixP => i j; rewrite !ord1. Qed.

Lemma quad_conj n m (M : 'M[R]_n) (T : 'M[R]_(n, m)) x :
  quad (T^T *m M *m T) x = quad M (T *m x).
Proof. by rewrite /quad trmx_mul !mulmxA. Qed.

Lemma quadD n (M M' : 'M[R]_n) x : quad (M + M') x = quad M x + quad M' x.
Proof. by rewrite /quad mulmxDr mulmxDl [LHS]mxE. Qed.

Lemma quadZ n (a : R) (M : 'M[R]_n) x : quad (a *: M) x = a * quad M x.
Proof. by rewrite /quad -scalemxAr -scalemxAl [LHS]mxE. Qed.

Lemma quad0 n (M : 'M[R]_n) : quad M 0 = 0.
Proof. by rewrite /quad mulmx0 mxE. Qed.

Lemma quad1 n (x : 'cV[R]_n) : quad 1%:M x = \sum_i (x i 0) ^+ 2.
Proof. by rewrite /quad mulmx1 mxE; apply: eq_bigr => i _; rewrite !mxE. Qed.

Lemma quad1_ge0 n (x : 'cV[R]_n) : 0 <= quad 1%:M x.
Proof. by rewrite quad1 sumr_ge0 // => i _; rewrite sqr_ge0. Qed.

Lemma quad1_eq0 n (x : 'cV[R]_n) : quad 1%:M x = 0 -> x = 0.
Proof.
rewrite quad1 => /eqP; rewrite psumr_eq0 => [|i _]; last exact: sqr_ge0.
move=> /allP all0; apply/matrixP=> i j; rewrite ord1 [RHS]mxE.
by apply/eqP; rewrite -sqrf_eq0; apply: all0; rewrite mem_index_enum.
Qed.

Lemma psd1 n : psd (1%:M : 'M[R]_n).
Proof. by split; [exact: trmx1 | exact: quad1_ge0]. Qed.

Lemma pd1 n : pd (1%:M : 'M[R]_n).
Proof.
split=> [|x x0]; first exact: trmx1.
rewrite lt_neqAle quad1_ge0 eq_sym andbT.
by apply: contraNneq x0 => /quad1_eq0 ->.
Qed.

Lemma pd_psd n (M : 'M[R]_n) : pd M -> psd M.
Proof.
by case=> s p; split=> // x; have [->|/p/ltW//] := eqVneq x 0; rewrite quad0.
Qed.

Lemma psdD n (M M' : 'M[R]_n) : psd M -> psd M' -> psd (M + M').
Proof.
case=> s p [s' p']; split=> [|x]; first by rewrite raddfD /= s s'.
by rewrite quadD addr_ge0.
Qed.

Lemma psdZ n (a : R) (M : 'M[R]_n) : 0 <= a -> psd M -> psd (a *: M).
Proof.
move=> a0 [s p]; split=> [|x]; first by rewrite linearZ /= s.
by rewrite quadZ mulr_ge0.
Qed.

Lemma psd_conj n m (M : 'M[R]_n) (T : 'M[R]_(n, m)) :
  psd M -> psd (T^T *m M *m T).
Proof.
case=> s p; split=> [|x]; last by rewrite quad_conj.
by rewrite !trmx_mul trmxK s mulmxA.
Qed.

Lemma psd_conjT n m (M : 'M[R]_n) (T : 'M[R]_(m, n)) :
  psd M -> psd (T *m M *m T^T).
Proof. by move=> p; have := psd_conj T^T p; rewrite trmxK. Qed.

Lemma quad_shift n (M : 'M[R]_n) (x y : 'cV[R]_n) (r : R) : M^T = M ->
  quad M (x - r *: y) =
  quad M x - (r * (y^T *m (M *m x)) 0 0) *+ 2 + r ^+ 2 * quad M y.
Proof.
move=> s; have xy : (x^T *m M *m y) 0 0 = (y^T *m (M *m x)) 0 0.
  have tr11 (A : 'M[R]_1) : A 0 0 = A^T 0 0 by rewrite mxE.
  by rewrite tr11 !trmx_mul trmxK s.
rewrite /quad [(x - _)^T]raddfB /= [(r *: y)^T]linearZ /= !mulmxBr !mulmxBl.
rewrite -!scalemxAl -!scalemxAr !(addmxE, oppmxE, scalemxE) xy.
rewrite -[y^T *m M *m x]mulmxA.
move: ((x^T *m M *m x) 0 0) ((y^T *m (M *m x)) 0 0) ((y^T *m M *m y) 0 0).
by move=> a b c; rewrite mulr2n; ring.
Qed.

(* A semidefinite form vanishes only on the kernel. *)
Lemma psd_kernel n (M : 'M[R]_n) x : psd M -> quad M x = 0 -> M *m x = 0.
Proof.
case=> s p q0; set y := M *m x; apply: quad1_eq0; apply/eqP.
apply/negPn/negP => n0; have n_gt0 : 0 < quad 1%:M y.
  by rewrite lt_neqAle quad1_ge0 eq_sym n0.
have q1 : 0 < quad M y + 1 by rewrite ltr_paddl ?p ?ltr01.
pose r := quad 1%:M y / (quad M y + 1).
have := p (x - r *: y).
rewrite quad_shift // -/y -[y^T]mulmx1 -/(quad 1%:M y).
rewrite q0 /r leNgt => /negP; apply; move: n_gt0 q1 (p y).
move: (quad 1%:M y) (quad M y) => g h g0 h1 h0.
have -> : 0 - (g / (h + 1) * g) *+ 2 + (g / (h + 1)) ^+ 2 * h =
          - (g ^+ 2 * (h + 2%:R) / (h + 1) ^+ 2).
  by rewrite mulr2n; field; rewrite gt_eqF.
by rewrite oppr_lt0 divr_gt0 ?mulr_gt0 ?exprn_gt0 // ltr_paddl ?ltr0n.
Qed.

(* Elimination. *)
Lemma psd_diag n (M : 'M[R]_n) : psd M ->
  exists V : 'M[R]_n, exists c : 'rV[R]_n,
    (forall i, 0 <= c 0 i) /\ M = V *m diag_mx c *m V^T.
Proof.
elim: n M => [|n IH] M Mpsd.
  by exists 0, 0; split=> [[]|] //; apply/matrixP => -[].
rewrite -[n.+1]/(1 + n)%N in M Mpsd *.
have [s p] := Mpsd.
pose a := M 0 0; pose b := dlsubmx M; pose e0 : 'cV[R]_(1 + n) := col_mx 1 0.
have ME : M = block_mx a%:M b^T b (drsubmx M).
  rewrite -[LHS]submxK; congr block_mx; last by rewrite /b trmx_dlsub s.
  by apply: mx11E; rewrite !mxE /a !lshift0.
have colE : M *m e0 = col_mx a%:M b.
  by rewrite {1}ME mul_block_col !mulmx1 !mulmx0 !addr0.
have qa : quad M e0 = a.
  rewrite /quad -mulmxA colE tr_col_mx trmx1 trmx0 mul_row_col mul1mx mul0mx.
  by rewrite addr0 !mxE.
have a_ge0 : 0 <= a by rewrite -qa.
have ab : a *: (a^-1 *: b) = b.
  have [a0|a0] := eqVneq a 0; last by rewrite scalerA divff ?scale1r.
  have := psd_kernel Mpsd (etrans qa a0); rewrite colE a0 => /eqP.
  by rewrite col_mx_eq0 => /andP[_ /eqP->]; rewrite !scaler0.
pose u := a^-1 *: b.
pose T : 'M[R]_(1 + n) := block_mx 1 0 (- u) 1%:M.
pose M' := drsubmx M - u *m b^T.
have TMT : T *m M *m T^T = block_mx a%:M 0 0 M'.
  rewrite {1}ME /T tr_block_mx !mulmx_block trmx0 !trmx1.
  rewrite !(mul0mx, mul1mx, mulmx0, mulmx1, addr0) raddfN /=.
  rewrite !mulmxN !mulNmx.
  have -> : u *m a%:M = b by rewrite mul_mx_scalar.
  have -> : a%:M *m u^T = b^T by rewrite mul_scalar_mx -linearZ /= ab.
  by rewrite !addNr mul0mx oppr0 add0r /M' addrC.
have M'psd : psd M'.
  have [s' p'] := psd_conjT T Mpsd; rewrite TMT in s' p'.
  have := s'; rewrite tr_block_mx => /eq_block_mx[_ _ _ sM]; split=> // x.
  have := p' (col_mx 0 x); rewrite /quad tr_col_mx mul_row_block mul_row_col.
  by rewrite trmx0 !(mul0mx, mulmx0, add0r).
have [V [c [c_ge0 M'E]]] := IH _ M'psd.
exists (block_mx 1 0 u V), (row_mx a%:M c); split=> [i|].
  by rewrite mxE; case: splitP => j _; rewrite ?ord1 ?mxE.
rewrite diag_mx_row tr_block_mx !mulmx_block trmx0 trmx1.
rewrite !(mul0mx, mul1mx, mulmx0, mulmx1, addr0, add0r) -M'E.
have -> : diag_mx (a%:M : 'rV[R]_1) = a%:M.
  by apply: mx11E; rewrite !mxE.
have bu : b *m u^T = u *m b^T by rewrite /u linearZ /= -scalemxAr -scalemxAl.
rewrite mul_mx_scalar ab {1}ME mul_scalar_mx -linearZ /= ab bu.
by congr block_mx; rewrite /M' addrC subrK.
Qed.

(* The trace of A D B D^T is a sum of non-negative terms. *)
Lemma quad_col n m (A : 'M[R]_n) (W : 'M[R]_(n, m)) i :
  quad A (col i W) = (W^T *m A *m W) i i.
Proof.
by rewrite colE -quad_conj /quad trmx_delta -rowE -colE !mxE.
Qed.

Lemma trace_diag n m (A : 'M[R]_n) (D : 'M[R]_(n, m)) (V : 'M[R]_m) c :
  \tr (A *m D *m (V *m diag_mx c *m V^T) *m D^T) =
  \sum_i c 0 i * quad A (col i (D *m V)).
Proof.
have -> : A *m D *m (V *m diag_mx c *m V^T) *m D^T =
          A *m (D *m V) *m diag_mx c *m (D *m V)^T.
  by rewrite trmx_mul !mulmxA.
move: (D *m V) => W; rewrite mxtrace_mulC !mulmxA /mxtrace.
by apply: eq_bigr => i _; rewrite quad_col mul_mx_diag mxE mulrC.
Qed.

Lemma trace_ge0 n m (A : 'M[R]_n) (D : 'M[R]_(n, m)) B : psd A -> psd B ->
  0 <= \tr (A *m D *m B *m D^T).
Proof.
move=> [_ p] /psd_diag[V [c [c0 ->]]]; rewrite trace_diag.
by apply: sumr_ge0 => i _; rewrite mulr_ge0.
Qed.

Lemma trace_eq0 n m (A : 'M[R]_n) (D : 'M[R]_(n, m)) B : psd A -> psd B ->
  \tr (A *m D *m B *m D^T) = 0 -> A *m D *m B = 0.
Proof.
move=> Apsd /psd_diag[V [c [c0 ->]]]; rewrite trace_diag => /eqP.
rewrite psumr_eq0 => [/allP all0|i _]; last by rewrite mulr_ge0 // (proj2 Apsd).
suff z : A *m (D *m V) *m diag_mx c = 0.
  by rewrite !mulmxA -[A *m D *m V]mulmxA z mul0mx.
apply/matrixP=> i j; rewrite mul_mx_diag [LHS]mxE [RHS]mxE.
have /eqP := all0 j (mem_index_enum _).
move=> /eqP; rewrite mulf_eq0 => /orP[/eqP->|/eqP /(psd_kernel Apsd)].
  by rewrite mulr0.
rewrite colE mulmxA -colE => /colP/(_ i).
by rewrite [LHS]mxE [RHS]mxE => ->; rewrite mul0r.
Qed.

Lemma unit_of_kernel n (M : 'M[R]_n) :
  (forall x : 'cV[R]_n, M *m x = 0 -> x = 0) -> M \in unitmx.
Proof.
move=> inj; rewrite -unitmx_tr -row_free_unit -kermx_eq0; apply/eqP.
apply: trmx_inj; rewrite trmx0; apply/matrixP=> i j.
suff /colP/(_ i) : col j (kermx M^T)^T = 0 by rewrite !mxE.
apply: inj; rewrite colE mulmxA -[M]trmxK -trmx_mul trmxK mulmx_ker.
by rewrite trmx0 mul0mx.
Qed.

Lemma pd_unit n (M : 'M[R]_n) : pd M -> M \in unitmx.
Proof.
case=> _ p; apply: unit_of_kernel => x Mx; apply: contraTeq isT => /p.
by rewrite /quad -mulmxA Mx mulmx0 mxE ltxx.
Qed.

(* --- Cauchy-Schwarz -------------------------------------------------------- *)

Lemma discriminant (p q r : R) : 0 <= r ->
  (forall x, 0 <= p - (x * q) *+ 2 + x ^+ 2 * r) -> q ^+ 2 <= p * r.
Proof.
move=> r0 pos; have p0 : 0 <= p.
  by have := pos 0; rewrite mul0r mul0rn subr0 expr0n mul0r addr0.
have [rz|rnz] := eqVneq r 0; last first.
  have r_gt0 : 0 < r by rewrite lt_neqAle eq_sym rnz.
  have := pos (q / r); rewrite (_ : p - _ + _ = p - q ^+ 2 / r).
    by rewrite subr_ge0 ler_pdivr_mulr.
  by rewrite mulr2n; field.
have [->|qnz] := eqVneq q 0; first by rewrite expr0n mulr_ge0.
have := pos ((p + 1) / q); rewrite rz mulr0 addr0 divfK //.
rewrite (_ : p - _ = - (p + 2%:R)); last by rewrite mulr2n; ring.
by rewrite oppr_ge0 leNgt ltr_paddl ?ltr0n.
Qed.

Lemma psd_cauchy n (M : 'M[R]_n) (x y : 'cV[R]_n) : psd M ->
  ((y^T *m (M *m x)) 0 0) ^+ 2 <= quad M x * quad M y.
Proof.
case=> s p; apply: discriminant => // r.
by rewrite -quad_shift.
Qed.

Lemma trace_sq_ge0 n m (X : 'M[R]_(n, m)) : 0 <= \tr (X *m X^T).
Proof. by have := trace_ge0 X (psd1 n) (psd1 m); rewrite mulmx1 mul1mx. Qed.

Lemma trace_cauchy n m (X Y : 'M[R]_(n, m)) :
  \tr (X *m Y^T) ^+ 2 <= \tr (X *m X^T) * \tr (Y *m Y^T).
Proof.
apply: discriminant => [|r]; first exact: trace_sq_ge0.
have := trace_sq_ge0 (X - r *: Y).
rewrite [(X - _)^T]raddfB /= [(r *: Y)^T]linearZ /= mulmxBl !mulmxBr.
rewrite -!scalemxAl -!scalemxAr !raddfB /= !mxtraceZ.
have -> : \tr (Y *m X^T) = \tr (X *m Y^T).
  by rewrite -mxtrace_tr trmx_mul trmxK.
move: (\tr (X *m X^T)) (\tr (X *m Y^T)) (\tr (Y *m Y^T)) => p q t.
suff -> : p - (r * q) *+ 2 + r ^+ 2 * t =
          p - r * q + (- (r * q) - - (r * (r * t))) by [].
by rewrite mulr2n; ring.
Qed.

Lemma psdB_quad n (M M' : 'M[R]_n) x : quad (M - M') x = quad M x - quad M' x.
Proof. by rewrite -scaleN1r quadD quadZ mulN1r. Qed.

Lemma quad_scalar n a (x : 'cV[R]_n) : quad a%:M x = a * quad 1%:M x.
Proof. by rewrite -scalemx1 quadZ. Qed.

Lemma quad_sqr n (M : 'M[R]_n) x : M^T = M ->
  quad (M *m M) x = quad 1%:M (M *m x).
Proof. by move=> s; rewrite -quad_conj mulmx1 s. Qed.

(* M <= m gives M^2 <= m M. *)
Lemma psd_square_le n (M : 'M[R]_n) m : psd M -> psd (m%:M - M) ->
  psd (m *: M - M *m M).
Proof.
move=> Mpsd [_ Mm]; have [s p] := Mpsd; split=> [|x].
  by rewrite raddfB /= linearZ /= trmx_mul s.
rewrite psdB_quad quadZ quad_sqr // subr_ge0; set y := M *m x.
have [->|ynz] := eqVneq (quad 1%:M y) 0.
  have [x0|xnz] := eqVneq (quad 1%:M x) 0.
    by rewrite (quad1_eq0 x0) quad0 mulr0.
  have := Mm x; rewrite psdB_quad quad_scalar subr_ge0 => le_m.
  rewrite mulr_ge0 // -(pmulr_lge0 _ (_ : 0 < quad 1%:M x)).
    exact: le_trans le_m.
  by rewrite lt_neqAle eq_sym xnz quad1_ge0.
have y_gt0 : 0 < quad 1%:M y by rewrite lt_neqAle eq_sym ynz quad1_ge0.
have := psd_cauchy x y Mpsd; rewrite -/y -[y^T]mulmx1 -/(quad 1%:M y) => cs.
have := Mm y; rewrite psdB_quad quad_scalar subr_ge0 => le_m.
have := le_trans cs (ler_wpmul2l (p x) le_m).
by rewrite expr2 mulrA ler_pmul2r // mulrC.
Qed.

(* l <= M gives l M <= M^2. *)
Lemma psd_square_ge n (M : 'M[R]_n) l : 0 <= l -> psd (M - l%:M) ->
  psd (M *m M - l *: M).
Proof.
move=> l0 [sl Ml]; have s : M^T = M.
  by move: sl; rewrite raddfB /= tr_scalar_mx => /addIr.
have Mpsd : psd M.
  split=> // x; have := Ml x; rewrite psdB_quad quad_scalar subr_ge0.
  by apply: le_trans; rewrite mulr_ge0 // quad1_ge0.
split=> [|x]; first by rewrite raddfB /= linearZ /= trmx_mul s.
rewrite psdB_quad quadZ quad_sqr // subr_ge0; set y := M *m x.
have [->|qnz] := eqVneq (quad M x) 0; first by rewrite mulr0 quad1_ge0.
have q_gt0 : 0 < quad M x by rewrite lt_neqAle eq_sym qnz (proj2 Mpsd).
have cs : quad M x ^+ 2 <= quad 1%:M y * quad 1%:M x.
  have := psd_cauchy y x (psd1 n); rewrite mul1mx.
  by rewrite /y /quad mulmxA.
have := Ml x; rewrite psdB_quad (quad_scalar l) subr_ge0 => le_l.
have : l * quad M x ^+ 2 <= quad 1%:M y * quad M x.
  have step := ler_wpmul2l l0 cs; apply: (le_trans step).
  by rewrite mulrCA ler_wpmul2l ?quad1_ge0.
by rewrite expr2 mulrA ler_pmul2r.
Qed.

End Psd.
