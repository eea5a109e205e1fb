(* Claims NC-05, NC-07, NC-08, NC-09: the global minimisers of the squared   *)
(* loss without a tie at the threshold or across the bottleneck. Their       *)
(* product is unique and only the targets that have room survive. Without a  *)
(* bias, all features of a class are equal, class means and classifier rows  *)
(* are orthogonal and proportional, and the classes whose mode is dead have  *)
(* zero features and zero rows.                                              *)
(*                                                                           *)
(* Setting of collapse_minimum; lam 0 regularises the features W 0. Classes  *)
(* are listed by decreasing size; x_k minimises the scalar problem of class  *)
(* k < R and counts as 0 for k >= R.                                         *)
(*                                                                           *)
(*  kept d M x    == x below room d M.+1 = R, 0 from there on                *)
(*  top W M       == W M *m ... *m W 1, the classifier                       *)
(*  class_means   == (N lam_0)^-1 top^T diag(1/(1 + x_k^M)); its columns are *)
(*                   the class means of the features                         *)
(*  own_logit     == x_k^M/(1 + x_k^M)                                       *)
(*                                                                           *)
(* Uniqueness: in von Neumann's inequality for Z and T equality passes to T  *)
(* minus a small multiple of the expected product Z', which gives            *)
(* <Z, Z'> >= |Z'|^2. The features then are those of a ridge problem.        *)

From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp Require Import ring.
From SolvableAlgebra Require Import psd quadratic_loss balancedness two_groups.
From SolvableAlgebra Require Import factorisation_bound svd.
From SolvableAlgebra Require Import least_regularisation trace_inequality.
From SolvableAlgebra Require Import collapse_modes collapse_minimum.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Equality.

Variable R : rcfType.

(* A step that respects finitely many inequalities. *)
Lemma small_step (I : finType) (a b : I -> R) : (forall i, 0 <= a i) ->
  (forall i, a i = 0 -> b i <= 0) -> exists2 e, 0 < e & forall i, e * b i <= a i.
Proof.
move=> a0 ab; pose S := 1 + \sum_i `|b i| / a i.
have t0 i : 0 <= `|b i| / a i by rewrite divr_ge0.
have S_gt0 : 0 < S by rewrite ltr_paddr ?ltr01 ?sumr_ge0.
exists S^-1 => [|i]; first by rewrite invr_gt0.
have [z|nz] := eqVneq (a i) 0.
  by rewrite z mulr_ge0_le0 ?ab // invr_ge0 ltW.
have a_gt0 : 0 < a i by rewrite lt_neqAle eq_sym nz a0.
rewrite mulrC ler_pdivr_mulr //; apply: le_trans (ler_norm _) _.
rewrite mulrC -ler_pdivr_mulr // /S (bigD1 i) //=.
rewrite addrCA ler_addl addr_ge0 ?ler01 // sumr_ge0 //.
Qed.

Variables (m n k l : nat) (Z T : 'M[R]_(m, n)).
Variables (U : 'M[R]_(m, k)) (s : 'rV[R]_k) (V : 'M[R]_(n, k)).
Variables (P : 'M[R]_(m, l)) (t : 'rV[R]_l) (Q : 'M[R]_(n, l)).
Hypotheses (Zsvd : svd Z U s V) (s_dec : decreasing s).
Hypotheses (Tsvd : svd T P t Q) (t_dec : decreasing t).

(* Equality in von Neumann's inequality, when ties of T are ties of Z. *)
Lemma von_neumann_equality (r : 'rV[R]_l) :
  (forall i : nat, at0 s i = at0 r i) ->
  (forall i j, t 0 i = t 0 j -> r 0 i = r 0 j) ->
  \tr (Z *m T^T) = \sum_j r 0 j * t 0 j ->
  Z = P *m diag_mx r *m Q^T.
Proof.
move=> sr ties eq; have [TE PP QQ t_gt0] := Tsvd.
have [ZE UU VV s_gt0] := Zsvd.
have r0 j : 0 <= r 0 j.
  by rewrite -at0_ord -sr; apply: at0_ge0 => i; apply: ltW.
pose a (p : 'I_l * 'I_l + 'I_l) := match p with
  | inl (i, j) => if (i <= j)%N then t 0 i - t 0 j else 1
  | inr j => t 0 j end.
pose b (p : 'I_l * 'I_l + 'I_l) := match p with
  | inl (i, j) => if (i <= j)%N then r 0 i - r 0 j else 0
  | inr j => r 0 j *+ 2 end.
have [||e e_gt0 le] := @small_step _ a b.
- move=> [[i j]|j] /=; last exact: ltW.
  by case: leqP => ij; rewrite ?ler01 // subr_ge0 t_dec.
- move=> [[i j]|j] /=; last by move=> z; have := t_gt0 j; rewrite z ltxx.
  case: leqP => ij; last by move/eqP; rewrite oner_eq0.
  by move/eqP; rewrite subr_eq0 => /eqP /ties ->; rewrite subrr.
pose t' := \row_j (t 0 j - e * r 0 j).
have T's : svd (P *m diag_mx t' *m Q^T) P t' Q.
  split=> // j; rewrite mxE subr_gt0.
  have := le (inr j); rewrite /= mulrnAr => le2.
  have [z|nz] := eqVneq (r 0 j) 0; first by rewrite z mulr0.
  apply: lt_le_trans le2; rewrite mulr2n ltr_addl mulr_gt0 //.
  by rewrite lt_neqAle eq_sym nz r0.
have t'_dec : decreasing t'.
  move=> i j ij; have := le (inl (i, j)); rewrite /= ij mulrBr -subr_ge0 => h.
  rewrite !mxE -subr_ge0; apply: le_trans h _; rewrite le_eqVlt; apply/orP; left.
  by apply/eqP; ring.
have vn := von_neumann Zsvd s_dec T's t'_dec (leq_addr l k) (leq_addl k l).
pose Zr := P *m diag_mx r *m Q^T.
have trT' : \tr (Z *m (P *m diag_mx t' *m Q^T)^T) =
    \tr (Z *m T^T) - e * \tr (Z *m Zr^T).
  have -> : P *m diag_mx t' *m Q^T = T - e *: Zr.
    rewrite TE /Zr scalemxAl scalemxAr -mulmxBl -mulmxBr; congr (_ *m _ *m _).
    by apply/matrixP=> i j; rewrite !mxE mulrnAr -mulrnBl.
  rewrite [(_ - _)^T]raddfB /= [(e *: _)^T]linearZ /= mulmxBr -scalemxAr.
  by rewrite raddfB /= mxtraceZ.
have sum_r (F : nat -> R -> R) : (forall i, F i 0 = 0) ->
    \sum_(i < k + l) F i (at0 s i) = \sum_(j < l) F j (r 0 j).
  move=> F0; rewrite -(at0_sum r (F := F) (leq_addl k l) F0).
  by apply: eq_bigr => i _; rewrite sr.
have sq (v : 'rV[R]_l) :
    \sum_(i < k + l) at0 s i * at0 v i = \sum_j r 0 j * v 0 j.
  rewrite (sum_r (fun i x => x * at0 v i)) => [|i]; last by rewrite mul0r.
  by apply: eq_bigr => j _; rewrite at0_ord.
rewrite trT' sq eq in vn.
have cross : \sum_j r 0 j ^+ 2 <= \tr (Z *m Zr^T).
  rewrite -(ler_pmul2l e_gt0); move: vn; rewrite -subr_ge0 => vn.
  rewrite -subr_ge0; apply: le_trans vn _; rewrite le_eqVlt; apply/orP; left.
  apply/eqP; rewrite opprB addrCA; congr (_ + _).
  rewrite mulr_sumr -sumrB -sumrN; apply: eq_bigr => j _.
  by rewrite mxE; ring.
have nZ : normF Z = \sum_j r 0 j ^+ 2.
  rewrite ZE normF_frames // -(sum_r (fun _ x => x ^+ 2)) => [|_].
    rewrite (at0_sum s (F := fun _ x => x ^+ 2) (leq_addr l k)) // => _.
    by rewrite expr0n.
  by rewrite expr0n.
have nZr : normF Zr = \sum_j r 0 j ^+ 2 by rewrite normF_frames.
apply/eqP; rewrite -subr_eq0 -/Zr; apply/eqP.
suff : normF (Z - Zr) <= 0.
  move=> le0; apply: trmx_inj; rewrite trmx0.
  have := @trace_eq0 _ _ _ 1%:M (Z - Zr) 1%:M (psd1 _ _) (psd1 _ _).
  rewrite !mulmx1 !mul1mx => -> //; first by rewrite trmx0.
  by apply/eqP; rewrite eq_le le0 normF_ge0.
have -> : normF (Z - Zr) = normF Z + normF Zr - \tr (Z *m Zr^T) *+ 2.
  rewrite /normF [(Z - Zr)^T]raddfB /= mulmxBl !mulmxBr !raddfB /=.
  have -> : \tr (Zr *m Z^T) = \tr (Z *m Zr^T).
    by rewrite -mxtrace_tr trmx_mul trmxK.
  by rewrite mulr2n; ring.
by rewrite nZ nZr -mulr2n -mulrnBl mulrn_wle0 // subr_le0.
Qed.

End Equality.

Section Minimisers.

Variables (R : rcfType) (d : nat -> nat) (M : nat) (lam : nat -> R) (N c : R).
Local Notation L := M.+1.
Hypotheses (M_gt0 : (0 < M)%N) (N_gt0 : 0 < N).
Hypothesis lam_gt0 : forall i, (i < L)%N -> 0 < lam i.
Local Notation Lam := (\prod_(i < L) lam i).
Hypotheses (c_gt0 : 0 < c) (cM : c ^+ M = N * Lam).
Variables (l : nat) (T : 'M[R]_(d L, d 0)).
Variables (P : 'M[R]_(d L, l)) (t : 'rV[R]_l) (Q : 'M[R]_(d 0, l)).
Hypotheses (Tsvd : svd T P t Q) (t_dec : decreasing t).
(* No tie across the bottleneck, and none at the threshold.                  *)
Hypothesis cut : forall i j : 'I_l,
  (i < room d L)%N -> (room d L <= j)%N -> t 0 j < t 0 i.
Variable x : 'I_l -> R.
Hypothesis x_only : forall j : 'I_l, (j < room d L)%N ->
  only_minimiser M (beta M N c (t 0 j)) (x j).
Implicit Types (W : forall m, 'M[R]_(d m.+1, d m)).

Let t_gt0 j : 0 < t 0 j. Proof. by case: Tsvd. Qed.
Let L_gt0 : (0 < L)%N. Proof. by []. Qed.

Definition kept (j : 'I_l) := if (j < room d L)%N then x j else 0.

Lemma minimum_all : minimum d M N c t x = \sum_j mode M N c (t 0 j) (kept j).
Proof.
rewrite [RHS](bigID (fun j : 'I_l => (j < room d L)%N)) /=; congr (_ + _).
  by apply: eq_bigr => j jr; rewrite /kept jr.
apply: eq_big => [j|j jr]; first by rewrite -leqNgt.
by rewrite /kept ltnNge jr mode0 // gt_eqF.
Qed.

(* The product of a global minimiser is unique; only the targets that have   *)
(* room survive.                                                             *)
Theorem minimiser_product W : loss lam N W T <= minimum d M N c t x ->
  below W L = P *m diag_mx (\row_j fit M (t 0 j) (kept j)) *m Q^T.
Proof.
move=> opt; have [k [U [s [V [q [Xsvd s_dec kE qE]]]]]] :=
  spectrum_exists (below W L) L_gt0 lam_gt0.
have [reg _] := factorisation_minimum L_gt0 lam_gt0 Xsvd qE.
have vn := von_neumann Xsvd s_dec Tsvd t_dec (leq_addr l k) (leq_addl k l).
have [XE UU VV s_gt0] := Xsvd; have [TE PP QQ _] := Tsvd.
have q0 i : 0 <= at0 q i by apply: at0_ge0 => j; case: (qE j).
have s0 i : 0 <= at0 s i by apply: at0_ge0 => j; apply: ltW.
have qs i : at0 q i ^+ L = Lam * at0 s i ^+ 2.
  have [ki|ik] := leqP k i; first by rewrite !at0_out // !expr0n mulr0.
  by rewrite -[i]/(nat_of_ord (Ordinal ik)) !at0_ord; case: (qE (Ordinal ik)).
have two_gt0 : 0 < 2%:R :> R by rewrite ltr0n.
have N2_gt0 : 0 < 2%:R * N by rewrite mulr_gt0.
(* the loss is a sum of the costs of the modes and three excesses *)
pose gap := \sum_(j < l) at0 s j * t 0 j - \tr (below W L *m T^T).
pose tail := \sum_(i < k + l) at0 s i ^+ 2 - \sum_(j < l) at0 s j ^+ 2.
pose rest := regularisation W lam L - L%:R * \sum_(j < l) at0 q j.
have gap0 : 0 <= gap.
  rewrite subr_ge0; apply: le_trans vn _; rewrite le_eqVlt; apply/orP; left.
  apply/eqP.
  rewrite (at0_sum t (F := fun i y => at0 s i * y) (leq_addl k l)) // => i.
  by rewrite mulr0.
have tail0 : 0 <= tail.
  rewrite subr_ge0 (sum_sub (F := fun i => at0 s i ^+ 2) (leq_addl k l)) // => i.
  exact: sqr_ge0.
have rest0 : 0 <= rest.
  rewrite subr_ge0; apply: le_trans (reg W _) => //; rewrite ler_pmul2l ?ltr0n //.
  rewrite -(at0_sum q (F := fun _ y => y) (leq_addr l k)) //.
  exact: (sum_sub (F := at0 q) (leq_addl k l)).
have lossE : loss lam N W T =
    \sum_(j < l) cost M N (t 0 j) (at0 s j) (at0 q j)
    + (tail + gap *+ 2) / (2%:R * N) + rest / 2%:R.
  have nX : normF (below W L) = \sum_(i < k + l) at0 s i ^+ 2.
    rewrite XE normF_frames //.
    rewrite (at0_sum s (F := fun _ y => y ^+ 2) (leq_addr l k)) // => _.
    by rewrite expr0n.
  have nT : normF T = \sum_(j < l) t 0 j ^+ 2 by rewrite TE normF_frames.
  have -> : \sum_(j < l) cost M N (t 0 j) (at0 s j) (at0 q j) =
      (\sum_(j < l) at0 s j ^+ 2 + \sum_(j < l) t 0 j ^+ 2
       - (\sum_(j < l) at0 s j * t 0 j) *+ 2) / (2%:R * N)
      + L%:R / 2%:R * \sum_(j < l) at0 q j.
    rewrite /cost big_split /= -mulr_suml -mulr_sumr; congr (_ / _ + _).
    rewrite -sumrMnl -big_split -sumrB /=; apply: eq_bigr => j _.
    by rewrite mulr2n; ring.
  have -> : loss lam N W T = (normF (below W L) + normF T
      - \tr (below W L *m T^T) *+ 2) / (2%:R * N) + regularisation W lam L / 2%:R.
    congr (_ / _ + _); move: (below W L) => X.
    rewrite /normF [(X - T)^T]raddfB /= mulmxBl !mulmxBr !raddfB /=.
    have -> : \tr (T *m X^T) = \tr (X *m T^T).
      by rewrite -mxtrace_tr trmx_mul trmxK.
    by rewrite mulr2n; ring.
  rewrite nX nT /tail /gap /rest !mulr2n.
  move: (\sum_(i < k + l) _) (\sum_(j < l) _ ^+ 2) (\sum_(j < l) at0 s j * _).
  move: (\sum_(j < l) _ ^+ 2) (\tr _) (regularisation _ _ _).
  move: (\sum_(j < l) at0 q j) => A B C D E F G; field.
  by rewrite !gt_eqF.
have ex (j : 'I_l) : exists z, [/\ 0 <= z,
    mode M N c (t 0 j) z <= cost M N (t 0 j) (at0 s j) (at0 q j)
    & cost M N (t 0 j) (at0 s j) (at0 q j) <= mode M N c (t 0 j) z ->
      at0 s j = fit M (t 0 j) z].
  have [z [z0 le _ only]] := mode_le_cost M_gt0 N_gt0 (Lam_gt0 lam_gt0) c_gt0 cM
    (t_gt0 j) (s0 j) (q0 j) (qs j).
  by exists z.
have best (j : 'I_l) z : (j < room d L)%N -> 0 <= z ->
    mode M N c (t 0 j) (x j) <= mode M N c (t 0 j) z.
  move=> jr z0; rewrite /mode ler_pmul2l ?divr_gt0 ?exprn_gt0 //.
  by have [[_ xm] _] := x_only jr; apply: xm.
have s_room i : (room d L <= i)%N -> at0 s i = 0.
  move=> ri; apply: at0_out; apply: leq_trans ri; rewrite kE; apply/leq_room => h.
  rewrite leq_eqVlt => /orP[/eqP->|hL]; first exact: rank_leq_row.
  case: h hL => [|h] hL; first exact: rank_leq_col.
  have [widths _] := @training_is_spectral _ d lam L L_gt0 lam_gt0.
  by have [fit _] := widths W; apply: fit; rewrite hL.
have above (j : 'I_l) :
    mode M N c (t 0 j) (kept j) <= cost M N (t 0 j) (at0 s j) (at0 q j).
  have [z [z0 le _]] := ex j; rewrite /kept; case: ltnP => jr.
    exact: le_trans (best j z jr z0) le.
  rewrite mode0 ?gt_eqF // /cost s_room // sub0r sqrrN ler_addl.
  by rewrite mulr_ge0 // divr_ge0 ?ler0n.
have e1_ge0 : 0 <= (tail + gap *+ 2) / (2%:R * N).
  by rewrite divr_ge0 ?(ltW N2_gt0) // addr_ge0 // mulrn_wge0.
have e2_ge0 : 0 <= rest / 2%:R by rewrite divr_ge0 // ltW.
pose excess j := cost M N (t 0 j) (at0 s j) (at0 q j) - mode M N c (t 0 j) (kept j).
have excess_ge0 j : 0 <= excess j by rewrite subr_ge0.
have total :
    \sum_j excess j + ((tail + gap *+ 2) / (2%:R * N) + rest / 2%:R) <= 0.
  move: opt; rewrite lossE minimum_all -subr_le0 => le0.
  apply: le_trans _ le0; rewrite le_eqVlt; apply/orP; left; apply/eqP.
  by rewrite /excess sumrB -!addrA; congr (_ + _); rewrite addrC -addrA.
have sum_ge0 : 0 <= \sum_j excess j by apply: sumr_ge0.
have sum0 : \sum_j excess j = 0.
  apply/eqP; rewrite eq_le sum_ge0 andbT; apply: le_trans _ total.
  by rewrite ler_addl addr_ge0.
have e1 : (tail + gap *+ 2) / (2%:R * N) = 0.
  apply/eqP; rewrite eq_le e1_ge0 andbT; move: total; rewrite sum0 add0r.
  by apply: le_trans; rewrite ler_addl.
have tg : tail + gap *+ 2 = 0.
  by move/eqP: e1; rewrite mulf_eq0 invr_eq0 [_ * N == 0]gt_eqF // orbF => /eqP.
have tail_eq : tail = 0.
  apply/eqP; rewrite eq_le tail0 andbT -tg ler_addl mulrn_wge0 //.
have gap_eq : gap = 0.
  move: tg; rewrite tail_eq add0r => /eqP; rewrite mulrn_eq0 /= => /eqP //.
have excess0 j : excess j = 0.
  have : \sum_j excess j == 0 by rewrite sum0.
  rewrite psumr_eq0 // => /allP/(_ j); rewrite mem_index_enum => /(_ isT).
  by move=> /eqP.
have sj (j : 'I_l) : at0 s j = fit M (t 0 j) (kept j).
  rewrite /kept; case: ltnP => jr; last by rewrite s_room // fit0.
  have [z [z0 le only]] := ex j; have [[_ xm] uniq] := x_only jr.
  have cz : cost M N (t 0 j) (at0 s j) (at0 q j) = mode M N c (t 0 j) (x j).
    have := excess0 j; rewrite /excess /kept jr => /eqP.
    by rewrite subr_eq0 => /eqP.
  have zx : z = x j.
    apply: uniq; split=> // y y0; apply: le_trans (xm y y0).
    rewrite cz in le; move: le; rewrite /mode ler_pmul2l //.
    by rewrite divr_gt0 ?exprn_gt0.
  by rewrite -zx; apply: only; rewrite cz; apply: best.
have s_out i : (l <= i)%N -> at0 s i = 0.
  move=> li; have [ki|ik] := leqP k i; first by rewrite at0_out.
  exfalso; move: tail_eq; rewrite /tail.
  rewrite (sum_widen (fun i => at0 s i ^+ 2) (leq_addl k l)) -sumrB.
  have pos (h : 'I_(k + l)) : 0 <= at0 s h ^+ 2 - (h < l)%:R * at0 s h ^+ 2.
    by case: ltnP => _; rewrite ?mul1r ?subrr // mul0r subr0 sqr_ge0.
  move=> /eqP; rewrite psumr_eq0 // => /allP.
  move=> /(_ (Ordinal (leq_trans ik (leq_addr l k)))).
  rewrite mem_index_enum => /(_ isT) /=; rewrite ltnNge li mul0r subr0.
  rewrite -[i]/(nat_of_ord (Ordinal ik)) at0_ord sqrf_eq0 => /eqP z.
  by have := s_gt0 (Ordinal ik); rewrite z ltxx.
apply: (von_neumann_equality Xsvd s_dec Tsvd t_dec).
- move=> i; have [li|il] := leqP l i; first by rewrite s_out // at0_out.
  rewrite -[i]/(nat_of_ord (Ordinal il)) sj at0_ord mxE //.
- move=> i j tij; rewrite !mxE; congr (fit M _ _) => //.
  rewrite /kept; case: (ltnP i (room d L)) => ir; case: (ltnP j (room d L)) => jr //.
  + have [xi _] := x_only ir; have [_ uniq] := x_only jr.
    by apply: uniq; rewrite -tij.
  + by have := cut ir jr; rewrite tij ltxx.
  + by have := cut jr ir; rewrite tij ltxx.
move/eqP: gap_eq; rewrite subr_eq0 eq_sym => /eqP ->.
by apply: eq_bigr => j _; rewrite mxE sj.
Qed.

End Minimisers.

(* --- the features, given the layers above ---------------------------------- *)

Section FirstOrder.

Variables (R : rcfType) (d : nat -> nat) (M : nat) (lam : nat -> R) (N : R).
Local Notation L := M.+1.
Hypothesis N_gt0 : 0 < N.
Hypothesis lam_gt0 : forall i, (i < L)%N -> 0 < lam i.
Variable T : 'M[R]_(d L, d 0).
Implicit Types (W : forall m, 'M[R]_(d m.+1, d m)) (A : 'M[R]_(d 1, d 0)).

Fixpoint top W m : 'M[R]_(d m.+1, d 1) :=
  if m is m'.+1 then W m'.+1 *m top W m' else 1%:M.

Lemma below_top W m : below W m.+1 = top W m *m W 0%N.
Proof.
elim: m => [|m IH]; first by rewrite /= mulmx1 mul1mx.
by rewrite [LHS]/= -/(below W m.+1) IH mulmxA.
Qed.

Definition with_features W A m : 'M[R]_(d m.+1, d m) :=
  match m with 0 => A | m'.+1 => W m'.+1 end.

Lemma top_with_features W A m : top (with_features W A) m = top W m.
Proof. by elim: m => //= m ->. Qed.

(* At a global minimiser the features solve the ridge problem of the layers  *)
(* above them.                                                               *)
Theorem ridge_features W : (forall W', loss lam N W T <= loss lam N W' T) ->
  (N * lam 0%N) *: W 0%N = (top W M)^T *m (T - below W L).
Proof.
move=> opt; set B := top W M.
have l0 : 0 < lam 0%N by apply: lam_gt0.
pose Lq (_ : 'I_1) :=
  (2%:R * N)^-1 *: (B^T *m 1%:M *m B) + (lam 0%N / 2%:R) *: 1%:M.
pose Sq (_ : 'I_1) : 'M[R]_(d 0) := 1%:M.
pose Cq := (2%:R * N)^-1 *: (B^T *m T).
pose cq := normF T / (2%:R * N) + (\sum_(i < M) lam i.+1 * normF (W i.+1)) / 2%:R.
have N2 : 0 <= (2%:R * N)^-1 by rewrite invr_ge0 mulr_ge0 ?ler0n // ltW.
have Lpsd k : psd (Lq k).
  apply: psdD; apply: psdZ => //; first exact: psd_conj (psd1 _ _).
    by rewrite divr_ge0 ?ler0n ?ltW.
  exact: psd1.
have Spsd k : psd (Sq k) by apply: psd1.
have value A : loss lam N (with_features W A) T = qloss Lq Sq Cq cq A.
  rewrite /loss below_top top_with_features /= -/B.
  rewrite /regularisation big_ord_recl /=.
  rewrite /qloss /form /operator big_ord1 /Lq /Sq /Cq /cq mulmx1.
  rewrite mulmx1 !mulmxDl mxtraceD -!scalemxAl !mxtraceZ mul1mx -/(normF A).
  have -> : \tr (B^T *m B *m A *m A^T) = normF (B *m A).
    by rewrite /normF trmx_mul mulmxA [RHS]mxtrace_mulC !mulmxA.
  have -> : \tr (B^T *m T *m A^T) = \tr ((B *m A) *m T^T).
    rewrite -mxtrace_tr !trmx_mul !trmxK mulmxA [RHS]mxtrace_mulC mulmxA.
    by rewrite mxtrace_mulC mulmxA.
  have -> : normF (B *m A - T) =
      normF (B *m A) + normF T - \tr (B *m A *m T^T) *+ 2.
    move: (B *m A) => X.
    rewrite /normF [(X - T)^T]raddfB /= mulmxBl !mulmxBr !raddfB /=.
    have -> : \tr (T *m X^T) = \tr (X *m T^T).
      by rewrite -mxtrace_tr trmx_mul trmxK.
    by rewrite mulr2n; ring.
  rewrite !mulr2n.
  move: (normF (B *m A)) (normF T) (\tr _) (\sum_(i < M) _) (normF A).
  by move=> a1 a2 a3 a4 a5; field; rewrite gt_eqF.
have stat : operator Lq Sq (W 0%N) = Cq.
  apply/(qloss_minimizerP Cq cq Lpsd Spsd) => A; rewrite -!value.
  have -> : loss lam N (with_features W (W 0%N)) T = loss lam N W T.
    rewrite /loss !below_top top_with_features /= /regularisation.
    by rewrite !big_ord_recl.
  exact: opt.
move: stat; rewrite /operator big_ord1 /Lq /Sq /Cq mulmx1 mulmx1 mulmxDl.
rewrite -!scalemxAl mul1mx => /(congr1 (fun X => (2%:R * N) *: X)).
have N2_neq0 : 2%:R * N != 0 by rewrite mulf_neq0 ?pnatr_eq0 // gt_eqF.
rewrite scalerDr !scalerA divff // !scale1r => stat.
rewrite below_top -/B mulmxBr -stat !mulmxA addrAC subrr add0r.
by congr (_ *: _); field.
Qed.

End FirstOrder.

(* --- classes, without a bias: NC-05 ---------------------------------------- *)

Section Geometry.

Variables (R : rcfType) (d : nat -> nat) (M : nat) (lam : nat -> R) (N c : R).
Local Notation L := M.+1.
Hypotheses (M_gt0 : (0 < M)%N) (N_gt0 : 0 < N).
Hypothesis lam_gt0 : forall i, (i < L)%N -> 0 < lam i.
Hypotheses (c_gt0 : 0 < c) (cM : c ^+ M = N * \prod_(i < L) lam i).
Variable y : 'I_(d 0) -> 'I_(d L).
Local Notation n := (class_size R y).
Local Notation Y := (onehot R y).
Hypothesis inhabited : forall k, 0 < n 0 k.
Hypothesis n_dec : decreasing n.
Hypothesis cut : forall i j : 'I_(d L),
  (i < room d L)%N -> (room d L <= j)%N -> n 0 j < n 0 i.
Variable x0 : 'I_(d L) -> R.
Hypothesis x_only : forall k : 'I_(d L), (k < room d L)%N ->
  only_minimiser M (M%:R * N * c / n 0 k) (x0 k).
Variable W : forall m, 'M[R]_(d m.+1, d m).
Hypothesis optimal : forall W', loss lam N W Y <= loss lam N W' Y.

Let rr k : root_size R y 0 k ^+ 2 = n 0 k.
Proof. by rewrite mxE sqr_sqrtr ?ltW. Qed.
Let Ysvd := targets_without_bias inhabited.
Let Nl_gt0 : 0 < N * lam 0%N. Proof. by rewrite mulr_gt0 ?lam_gt0. Qed.
Let Nl_neq0 : N * lam 0%N != 0. Proof. by rewrite gt_eqF. Qed.

(* Zero for the classes without room. *)
Local Notation x := (kept d M x0).

Definition signal k := x k ^+ M.
Definition own_logit : 'rV[R]_(d L) := \row_k (signal k / (1 + signal k)).
Local Notation A := (top W M).
(* The class means of the features. *)
Definition class_means : 'M[R]_(d 1, d L) :=
  (N * lam 0%N)^-1 *: (A^T *m diag_mx (\row_k (1 + signal k)^-1)).

Let signal_ge0 k : 0 <= signal k.
Proof.
rewrite exprn_ge0 // /kept; case: ltnP => // kr.
by case: (x_only kr) => -[].
Qed.
Let den_gt0 k : 0 < 1 + signal k.
Proof. by rewrite ltr_paddr ?ltr01. Qed.
Let den_neq0 k : 1 + signal k != 0. Proof. by rewrite gt_eqF. Qed.

Lemma product_logits : below W L = diag_mx own_logit *m Y.
Proof.
have Ymin (k : 'I_(d L)) : (k < room d L)%N ->
    only_minimiser M (beta M N c (root_size R y 0 k)) (x0 k).
  by rewrite /beta rr; apply: x_only.
have r_gt0 k : 0 < root_size R y 0 k by case: Ysvd.
have rcut (i j : 'I_(d L)) : (i < room d L)%N -> (room d L <= j)%N ->
    root_size R y 0 j < root_size R y 0 i.
  move=> ir jr; rewrite -(@ltr_pexpn2r _ 2) ?nnegrE ?(ltW (r_gt0 _)) // !rr.
  exact: cut.
rewrite (minimiser_product M_gt0 N_gt0 lam_gt0 c_gt0 cM Ysvd
  (root_size_dec inhabited n_dec) rcut Ymin).
  have [YE _ _ _] := Ysvd; rewrite [in RHS]YE !mul1mx mulmxA mulmx_diag.
  congr (diag_mx _ *m _); apply/rowP=> k.
  by rewrite [LHS]mxE [RHS]mxE [own_logit _ _]mxE /fit -/(signal k) mulrC.
have [|_ [W' [<- _]]] := global_minimum M_gt0 N_gt0 lam_gt0 c_gt0 cM Ysvd
  (root_size_dec inhabited n_dec) (x := x0); last exact: optimal.
by move=> k kr; case: (Ymin k kr).
Qed.

Let Yinv (B C : 'M[R]_(d L)) : B *m Y = C *m Y -> B = C.
Proof.
move=> /(congr1 (fun X => X *m Y^T)); rewrite -!mulmxA.
have -> : Y *m Y^T = diag_mx n.
  have [-> _ QQ _] := Ysvd; rewrite mul1mx trmx_mul trmxK tr_diag_mx mulmxA.
  rewrite -(mulmxA _ _^T) QQ mulmx1 mulmx_diag; congr diag_mx.
  by apply/rowP=> k; rewrite [LHS]mxE -expr2 rr.
move=> e; apply/matrixP=> i j; have /matrixP/(_ i j) := e.
rewrite !mul_mx_diag [LHS]mxE [RHS]mxE => /(mulIf _); apply.
by rewrite gt_eqF.
Qed.

(* NC-05. *)
Theorem bias_free_geometry :
  [/\ (* NC1: equal features in every class *)
      W 0%N = class_means *m Y,
      (* NC2: orthogonal rows and orthogonal class means, their lengths *)
      A *m A^T = (N * lam 0%N) *: diag_mx (\row_k signal k),
      class_means^T *m class_means =
        (N * lam 0%N)^-1 *: diag_mx (\row_k (signal k / (1 + signal k) ^+ 2)),
      (* NC3: rows proportional to class means *)
      forall k, row k A =
        (N * lam 0%N * (1 + signal k)) *: (col k class_means)^T
    & A *m class_means = diag_mx own_logit].
Proof.
have ridge := ridge_features N_gt0 lam_gt0 optimal.
have W0 : W 0%N = class_means *m Y.
  apply: (scalerI Nl_neq0); rewrite ridge product_logits /class_means.
  rewrite -scalemxAl scalerA divff // scale1r -mulmxA; congr (_ *m _).
  rewrite -{1}[Y]mul1mx -mulmxBl; congr (_ *m _).
  apply/matrixP=> i j; rewrite !mxE; case: eqP => _.
    2: by rewrite !mulr0n subrr.
  by rewrite !mulr1n /own_logit; field.
have AH : A *m class_means = diag_mx own_logit.
  by apply: Yinv; rewrite -mulmxA -W0 -below_top product_logits.
have AA : A *m A^T = (N * lam 0%N) *: diag_mx (\row_k signal k).
  have : A *m class_means *m diag_mx (\row_k (1 + signal k)) =
      (N * lam 0%N)^-1 *: (A *m A^T).
    rewrite /class_means -scalemxAr -scalemxAl; congr (_ *: _).
    rewrite mulmxA -(mulmxA (A *m A^T)) mulmx_diag -[RHS]mulmx1; congr (_ *m _).
    rewrite -diag_const_mx; congr diag_mx; apply/rowP=> k; rewrite !mxE.
    by rewrite mulVf.
  rewrite AH mulmx_diag => e.
  transitivity ((N * lam 0%N) *: ((N * lam 0%N)^-1 *: (A *m A^T))).
    by rewrite scalerA divff // scale1r.
  rewrite -e; congr (_ *: diag_mx _); apply/rowP=> k; rewrite !mxE.
  by rewrite divfK.
split=> //.
- rewrite /class_means [(_ *: _)^T]linearZ /= trmx_mul trmxK tr_diag_mx.
  rewrite -scalemxAl -scalemxAr scalerA !mulmxA -(mulmxA _ A) AA -scalemxAr.
  rewrite -scalemxAl scalerA !mulmx_diag; congr (_ *: diag_mx _).
    by field; rewrite ?gt_eqF ?lam_gt0.
  by apply/rowP=> k; rewrite !mxE; field.
move=> k; apply/rowP=> j; rewrite /class_means [LHS]mxE mul_mx_diag !mxE.
by field; rewrite ?gt_eqF ?lam_gt0 ?den_neq0.
Qed.

(* NC-08: a class is dead, zero feature and zero row, iff its mode is.       *)
Theorem class_is_dead k :
  (x k = 0 <-> row k A = 0) /\ (x k = 0 <-> col k class_means = 0).
Proof.
have [_ AA HH prop _] := bias_free_geometry.
have sq : \sum_j A k j ^+ 2 = N * lam 0%N * signal k.
  have /matrixP/(_ k k) := AA; rewrite !mxE eqxx mulr1n => <-.
  by apply: eq_bigr => j _; rewrite mxE expr2.
have dead : x k = 0 <-> row k A = 0.
  split=> [xk|rk].
    have : \sum_j A k j ^+ 2 == 0.
      by rewrite sq /signal xk expr0n gtn_eqF // mulr0.
    rewrite psumr_eq0 => [/allP z|j _]; last exact: sqr_ge0.
    apply/rowP=> j; rewrite !mxE; apply/eqP; rewrite -sqrf_eq0.
    by apply: z; rewrite mem_index_enum.
  have : N * lam 0%N * signal k = 0.
    rewrite -sq big1 // => j _; have /rowP/(_ j) := rk; rewrite !mxE => ->.
    by rewrite expr0n.
  move/eqP; rewrite mulf_eq0 (negbTE Nl_neq0) /= expf_eq0.
  by move=> /andP[_ /eqP].
split=> //; rewrite dead prop; split=> [/eqP|->]; last by rewrite trmx0 scaler0.
rewrite scalemx_eq0 mulf_eq0 (negbTE Nl_neq0) (negbTE (den_neq0 k)) /=.
by move=> /eqP e; apply: trmx_inj; rewrite e trmx0.
Qed.

End Geometry.

(* NC-08 for M = 1: the dead classes are those with n_k <= (N lambda)^2.     *)
Theorem one_layer_dead_classes (R : rcfType) (d : nat -> nat) (lam : nat -> R) N u
    (y : 'I_(d 0%N) -> 'I_(d 2%N)) W k :
  0 < N -> 0 < u -> (forall i, (i < 2)%N -> 0 < lam i) ->
  lam 0%N * lam 1%N = u ^+ 2 ->
  (forall k, 0 < class_size R y 0 k) -> decreasing (class_size R y) ->
  (d 2%N <= d 0%N)%N -> (d 2%N <= d 1%N)%N ->
  (forall W', loss lam N W (onehot R y) <= loss lam N W' (onehot R y)) ->
  let x k := one_layer_point N u (Num.sqrt (class_size R y 0 k)) in
  row k (top W 1) = 0 /\ col k (class_means lam N x W) = 0 <->
  class_size R y 0 k <= (N * u) ^+ 2.
Proof.
move=> N_gt0 u_gt0 lam_gt0 uE inh dec w0 w1 opt x.
have c_gt0 : 0 < N * u ^+ 2 by rewrite mulr_gt0 ?exprn_gt0.
have cM : (N * u ^+ 2) ^+ 1 = N * \prod_(i < 2) lam i.
  by rewrite expr1 !big_ord_recl big_ord0 mulr1 /= uE.
have sq i : Num.sqrt (class_size R y 0 i) ^+ 2 = class_size R y 0 i.
  by rewrite sqr_sqrtr // ltW.
have s_gt0 i : 0 < Num.sqrt (class_size R y 0 i) by rewrite sqrtr_gt0.
have only i :
    only_minimiser 1 (1%:R * N * (N * u ^+ 2) / class_size R y 0 i) (x i).
  have := one_layer_only N_gt0 u_gt0 (s_gt0 i).
  by rewrite /beta sq.
have wide i : (i < d 2%N)%N -> (i < room d 2)%N.
  move=> id; apply: (leq_trans id); apply/leq_room.
  by move=> -[|[|[|h]]].
have cut (i j : 'I_(d 2%N)) : (i < room d 2)%N -> (room d 2 <= j)%N ->
    class_size R y 0 j < class_size R y 0 i.
  by move=> _; rewrite leqNgt wide.
have [d1 d2] := class_is_dead (isT : (0 < 1)%N) N_gt0 lam_gt0 c_gt0 cM inh dec
  cut (fun i _ => only i) opt k.
have kx : kept d 1 x k = x k by rewrite /kept wide.
rewrite kx in d1 d2.
have Nu_gt0 : 0 < N * u by rewrite mulr_gt0.
have -> : class_size R y 0 k <= (N * u) ^+ 2 <-> x k = 0.
  rewrite -{1}sq ler_pexpn2r // ?nnegrE ?(ltW Nu_gt0) ?(ltW (s_gt0 k)) //.
  rewrite /x /one_layer_point.
  case: (ltP (N * u) (Num.sqrt _)) => h; split=> // z; exfalso.
  move/eqP: z; rewrite subr_eq0 => /eqP e.
  by move: h; rewrite -[Num.sqrt _](divfK (lt0r_neq0 Nu_gt0)) e mul1r ltxx.
split=> [[r0 _]|xk]; first exact/d1.
by split; [apply/d1|apply/d2].
Qed.

(* The hypotheses can be met: two classes with one sample each, N = 2, all   *)
(* widths 2, M = 1, unit regularisation.                                     *)
Example geometry_instance (R : rcfType) :
  let y := fun k : 'I_2 => k in
  let d := fun _ : nat => 2%N in
  [/\ forall k, class_size R y 0 k = 1, decreasing (class_size R y),
      (2 <= room d 2)%N,
      forall k, only_minimiser 1
                  (1%:R * 2%:R * (2%:R * 1 ^+ 2) / class_size R y 0 k)
                  (one_layer_point 2%:R (1 : R) 1)
    & exists W : forall m, 'M[R]_(d m.+1, d m), forall W',
        @loss R d 1 (fun=> 1) 2%:R W (onehot R y)
        <= @loss R d 1 (fun=> 1) 2%:R W' (onehot R y)].
Proof.
move=> y d; have sizes k : class_size R y 0 k = 1.
  by rewrite mxE -sum1dep_card (big_pred1 k).
have two : 0 < 2%:R :> R by rewrite ltr0n.
have dec : decreasing (class_size R y) by move=> i j _; rewrite !sizes.
split=> // [k|].
  have := one_layer_only two (@ltr01 R) (@ltr01 R).
  by rewrite /beta sizes expr1n.
have inh k : 0 < class_size R y 0 k by rewrite sizes ltr01.
have lam_gt0 i : (i < 2)%N -> 0 < (fun _ : nat => 1 : R) i by rewrite ltr01.
have [|least [W WE]] := @bias_free_one_layer R d (fun=> 1) 2%:R 1 two (@ltr01 R)
  lam_gt0 _ y inh dec (conj isT isT); first by rewrite mulr1 expr1n.
by exists W => W'; rewrite WE.
Qed.
