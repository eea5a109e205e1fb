(* Claim NC-10: certificates of global optimality for the squared loss.      *)
(* At every depth the loss minus the minimum of NC-04; for one layer also a  *)
(* convex dual without gap when there is no bottleneck.                      *)
(*                                                                           *)
(* M = 1, u = lambda = sqrt (lambda_W lambda_H), N samples, targets          *)
(* T = P diag(t) Q^T; the setting is that of collapse_minimum.               *)
(*                                                                           *)
(*  bounded u G   == |G x| <= u |x| for all x: the operator norm is at most u*)
(*  dual N T G    == <G, T> - N/2 |G|^2                                      *)
(*  dual_point    == P diag(min(t_j/N, u)) Q^T                               *)

From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp Require Import ring.
From SolvableAlgebra Require Import psd balancedness simplex_etf.
From SolvableAlgebra Require Import factorisation_bound svd.
From SolvableAlgebra Require Import least_regularisation trace_inequality.
From SolvableAlgebra Require Import collapse_modes collapse_minimum.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Dual.

Variable R : rcfType.

Definition bounded m n u (G : 'M[R]_(m, n)) :=
  forall x : 'cV[R]_n, quad 1%:M (G *m x) <= u ^+ 2 * quad 1%:M x.

Definition dual m n N (T G : 'M[R]_(m, n)) :=
  \tr (G *m T^T) - N / 2%:R * normF G.

(* <G, Z> is at most u times the sum of the singular values of Z. *)
Lemma bounded_pairing m n k u (G Z : 'M[R]_(m, n)) (U : 'M[R]_(m, k)) s
    (V : 'M[R]_(n, k)) :
  0 <= u -> bounded u G -> svd Z U s V ->
  \tr (G *m Z^T) <= u * (\sum_j s 0 j).
Proof.
move=> u0 Gu [-> UU VV s_gt0].
have -> : \tr (G *m (U *m diag_mx s *m V^T)^T) =
    \sum_j s 0 j * (U^T *m (G *m V)) j j.
  rewrite !trmx_mul trmxK tr_diag_mx !mulmxA mxtrace_mulC !mulmxA.
  rewrite mul_mx_diag /mxtrace; apply: eq_bigr => j _.
  by rewrite [LHS]mxE mulrC ?mulmxA.
rewrite mulr_sumr; apply: ler_sum => j _; rewrite mulrC ler_pmul2r //.
have unit_col l (B : 'M[R]_(l, k)) : B^T *m B = 1%:M -> quad 1%:M (col j B) = 1.
  by move=> BB; rewrite quad_col mulmx1 BB mxE eqxx.
have cs := psd_cauchy (G *m col j V) (col j U) (psd1 R m).
rewrite mul1mx unit_col // mulr1 in cs.
have GV := Gu (col j V); rewrite unit_col // mulr1 in GV.
have e : ((col j U)^T *m (G *m col j V)) 0 0 = (U^T *m (G *m V)) j j.
  rewrite !mxE; apply: eq_bigr => l _; rewrite !mxE; congr (_ * _).
  by apply: eq_bigr => h _; rewrite !mxE.
rewrite e in cs; have := le_trans cs GV; move: ((U^T *m _) j j) => z z2.
have [z0|z0] := leP 0 z; last by rewrite (le_trans (ltW z0)).
by rewrite -(@ler_pexpn2r _ 2) ?nnegrE.
Qed.

Variables (d : nat -> nat) (lam : nat -> R) (N u : R).
Hypotheses (N_gt0 : 0 < N) (u_gt0 : 0 < u).
Hypothesis lam_gt0 : forall i, (i < 2)%N -> 0 < lam i.
Hypothesis lamE : lam 0%N * lam 1%N = u ^+ 2.
Variable T : 'M[R]_(d 2, d 0).
Implicit Type W : forall m, 'M[R]_(d m.+1, d m).

Theorem weak_duality W G : bounded u G -> dual N T G <= loss lam N W T.
Proof.
move=> Gu; have [k [U [s [V [Zs _]]]]] := svd_sorted (below W 2).
have [_ _ _ s_gt0] := Zs.
have qE : energies lam 2 s (u *: s).
  move=> j; rewrite !mxE mulr_ge0 ?ltW //; split=> //.
  by rewrite !big_ord_recl big_ord0 mulr1 /= lamE exprMn.
have [reg _] := factorisation_minimum (isT : (0 < 2)%N) lam_gt0 Zs qE.
have {}reg := reg W erefl.
have pen : u * (\sum_j s 0 j) <= regularisation W lam 2 / 2%:R.
  rewrite ler_pdivl_mulr ?ltr0n // mulrC; apply: le_trans reg.
  rewrite ler_pmul2l ?ltr0n // mulr_sumr.
  by apply: ler_sum => j _; rewrite mxE.
have pair := bounded_pairing (ltW u_gt0) Gu Zs.
apply: (@le_trans _ _ (\tr (G *m (T - below W 2)^T) - N / 2%:R * normF G
  + \tr (G *m (below W 2)^T))).
  rewrite /dual le_eqVlt; apply/orP; left; apply/eqP.
  by rewrite [(T - _)^T]raddfB /= mulmxBr raddfB /= addrAC subrK.
apply: ler_add; last exact: le_trans pair pen.
have := normF_ge0 (below W 2 - T + N *: G); move: (below W 2) => Z.
have -> : normF (Z - T) = normF (T - Z).
  by rewrite -opprB /normF raddfN /= mulNmx mulmxN opprK.
have -> : normF (Z - T + N *: G) =
    normF (T - Z) - N * \tr (G *m (T - Z)^T) *+ 2 + N ^+ 2 * normF G.
  have -> : Z - T + N *: G = N *: G - (T - Z) by rewrite opprB addrC.
  move: (T - Z) => X.
  rewrite /normF [(N *: G - X)^T]raddfB /= [(N *: G)^T]linearZ /=.
  rewrite mulmxBl !mulmxBr -!scalemxAl -!scalemxAr scalerA !raddfB /= !mxtraceZ.
  have -> : \tr (X *m G^T) = \tr (G *m X^T).
    by rewrite -mxtrace_tr trmx_mul trmxK.
  by rewrite mulr2n; ring.
move: (normF (T - Z)) (\tr _) (normF G) => a b c h.
rewrite -subr_ge0.
have -> : a / (2%:R * N) - (b - N / 2%:R * c) =
    (a - N * b *+ 2 + N ^+ 2 * c) / (2%:R * N).
  by rewrite mulr2n; field; rewrite gt_eqF.
by rewrite divr_ge0 // mulr_ge0 ?ler0n // ltW.
Qed.

Variables (l : nat) (P : 'M[R]_(d 2, l)) (t : 'rV[R]_l) (Q : 'M[R]_(d 0, l)).
Hypotheses (Tsvd : svd T P t Q) (t_dec : decreasing t).

Definition dual_value j := if N * u < t 0 j then u else t 0 j / N.
Definition dual_point := P *m diag_mx (\row_j dual_value j) *m Q^T.

Lemma dual_value_bound j : 0 <= dual_value j <= u.
Proof.
have [_ _ _ t_gt0] := Tsvd; rewrite /dual_value; case: ltP => h.
  by rewrite (ltW u_gt0) lexx.
apply/andP; split; first by apply: divr_ge0; apply: ltW.
by rewrite ler_pdivr_mulr // mulrC.
Qed.

Lemma dual_point_bounded : bounded u dual_point.
Proof.
move=> x; have [_ PP QQ _] := Tsvd.
pose m := \row_j dual_value j.
have -> : quad 1%:M (dual_point *m x) = quad 1%:M (diag_mx m *m (Q^T *m x)).
  rewrite -!quad_conj /dual_point -/m; congr (quad _ _).
  rewrite !mulmx1 !trmx_mul trmxK tr_diag_mx !mulmxA.
  by rewrite -(mulmxA _ P^T) PP mulmx1.
apply: (@le_trans _ _ (u ^+ 2 * quad 1%:M (Q^T *m x))).
  rewrite !quad1 mulr_sumr; apply: ler_sum => j _.
  rewrite mul_diag_mx [in leLHS]mxE [m _ _]mxE exprMn ler_wpmul2r ?sqr_ge0 //.
  have /andP[v0 vu] := dual_value_bound j.
  by rewrite ler_expn2r ?nnegrE // ltW.
rewrite ler_pmul2l ?exprn_gt0 //.
have := normF_restrict x^T (_ : orthogonal Q (const_mx 1)).
have -> : map_mx GRing.inv (const_mx 1 : 'rV[R]_l) = const_mx 1.
  by apply/rowP=> j; rewrite !mxE invr1.
rewrite diag_const_mx mulmx1 trmx_mul trmxK => le.
have -> : quad 1%:M (Q^T *m x) = \tr (x^T *m Q *m (Q^T *m x)).
  by rewrite /quad mulmx1 trmx_mul trmxK /mxtrace big_ord1.
have -> : quad 1%:M x = normF x^T.
  by rewrite /quad mulmx1 /normF trmxK /mxtrace big_ord1.
apply: le; split=> [|j]; last by rewrite mxE ltr01.
by rewrite QQ diag_const_mx.
Qed.

Lemma dual_point_value : dual N T dual_point = \sum_j one_layer_cost N u (t 0 j).
Proof.
have [TE PP QQ _] := Tsvd; pose m := \row_j dual_value j.
rewrite /dual; have -> : \tr (dual_point *m T^T) = \sum_j dual_value j * t 0 j.
  rewrite TE /dual_point -/m !trmx_mul trmxK tr_diag_mx !mulmxA.
  rewrite -(mulmxA _ Q^T) QQ mulmx1 mxtrace_mulC !mulmxA PP mul1mx mulmx_diag.
  by rewrite mxtrace_diag; apply: eq_bigr => j _; rewrite !mxE.
rewrite normF_frames // mulr_sumr -sumrB; apply: eq_bigr => j _.
rewrite mxE /dual_value /one_layer_cost; case: ltP => h; first by field.
by field; rewrite gt_eqF.
Qed.

(* No gap when no bottleneck is active. *)
Theorem strong_duality : (l <= room d 2)%N ->
  bounded u dual_point /\
  exists W, loss lam N W T = dual N T dual_point /\
    N *: dual_point = T - below W 2.
Proof.
move=> wide; split; first exact: dual_point_bounded.
have [_ _ _ t_gt0] := Tsvd; have [TE _ _ _] := Tsvd.
have c_gt0 : 0 < N * u ^+ 2 by rewrite mulr_gt0 ?exprn_gt0.
have roomy (j : 'I_l) : (j < room d 2)%N by apply: leq_trans wide.
have [|_ [W [WE WX]]] := global_minimum (isT : (0 < 1)%N) N_gt0 lam_gt0 c_gt0
  (one_layer_scale N lamE) Tsvd t_dec (x := fun j => one_layer_point N u (t 0 j)).
  by move=> j _; apply: one_layer_optimal.
exists W; split.
  rewrite WE dual_point_value /minimum [X in _ + X]big_pred0 => [|j]; last first.
    by rewrite leqNgt roomy.
  rewrite addr0; apply: eq_big => [j|j _]; first by rewrite roomy.
  exact: one_layer_value.
rewrite WX [in RHS]TE -mulmxBl -mulmxBr /dual_point scalemxAl scalemxAr.
congr (_ *m _ *m _); apply/matrixP=> i j; rewrite !mxE roomy.
case: eqP => _; last by rewrite !mulr0n subrr mulr0.
rewrite !mulr1n /dual_value /fit /one_layer_point expr1; case: ltP => h.
  move: (t 0 i) h (t_gt0 i) => tau h tau_gt0; field.
  by rewrite mulN1r [_ + (_ + _)]addrC subrK !gt_eqF.
by rewrite mul0r mulr0 subr0 mulrCA divff ?mulr1 // gt_eqF.
Qed.

End Dual.

(* NC-10 in one statement.                                                   *)
Theorem optimality_certificate (R : rcfType) :
  (* any depth: the loss minus the value of NC-04 is a gap, without a bias ... *)
  (forall (d : nat -> nat) M (lam : nat -> R) N c l (T : 'M_(d M.+1, d 0%N))
     (P : 'M_(d M.+1, l)) t (Q : 'M_(d 0%N, l)) x,
   (0 < M)%N -> 0 < N -> (forall i, (i < M.+1)%N -> 0 < lam i) ->
   0 < c -> c ^+ M = N * \prod_(i < M.+1) lam i ->
   svd T P t Q -> decreasing t ->
   (forall j : 'I_l, (j < room d M.+1)%N ->
      minimises M (beta M N c (t 0 j)) (x j)) ->
   (forall W, 0 <= loss lam N W T - minimum d M N c t x) /\
   exists W, loss lam N W T - minimum d M N c t x = 0) /\
  (* ... and with a free bias *)
  (forall (d : nat -> nat) M (lam : nat -> R) N c l (Y : 'M_(d M.+1, d 0%N))
     (P : 'M_(d M.+1, l)) t (Q : 'M_(d 0%N, l)) x,
   (0 < M)%N -> 0 < N -> (forall i, (i < M.+1)%N -> 0 < lam i) ->
   (0 < d 0)%N -> 0 < c -> c ^+ M = N * \prod_(i < M.+1) lam i ->
   svd (Y *m centering R (d 0%N)) P t Q -> decreasing t ->
   (forall j : 'I_l, (j < room d M.+1)%N ->
      minimises M (beta M N c (t 0 j)) (x j)) ->
   (forall W b, 0 <= loss_bias lam N Y W b - minimum d M N c t x) /\
   exists W b, loss_bias lam N Y W b - minimum d M N c t x = 0) /\
  (* one layer: the dual, without gap when no bottleneck is active *)
  (forall (d : nat -> nat) (lam : nat -> R) N u l (T : 'M_(d 2%N, d 0%N))
     (P : 'M_(d 2%N, l)) t (Q : 'M_(d 0%N, l)),
   0 < N -> 0 < u -> (forall i, (i < 2)%N -> 0 < lam i) ->
   lam 0%N * lam 1%N = u ^+ 2 -> svd T P t Q -> decreasing t ->
   (forall W G, bounded u G -> dual N T G <= loss lam N W T) /\
   ((l <= room d 2)%N -> exists W G,
      [/\ bounded u G, loss lam N W T = dual N T G & N *: G = T - below W 2])).
Proof.
split=> [d M lam N c l T P t Q x M0 N0 lam0 c0 cM Ts td xm|].
  have [le [W [e _]]] := global_minimum M0 N0 lam0 c0 cM Ts td xm.
  by split=> [W'|]; [rewrite subr_ge0|exists W; rewrite e subrr].
split=> [d M lam N c l Y P t Q x M0 N0 lam0 d0 c0 cM Ts td xm|].
  have [le [W [e _]]] := global_minimum_bias N0 lam0 d0 M0 c0 cM Ts td xm.
  split=> [W' b|]; first by rewrite subr_ge0.
  by exists W, (best_bias Y); rewrite e subrr.
move=> d lam N u l T P t Q N0 u0 lam0 uE Ts td.
split=> [W G|wide]; first exact: (weak_duality N0 u0 lam0 uE).
have [Gu [W [e eq]]] := strong_duality N0 u0 lam0 uE Ts td wide.
by exists W, (dual_point N u P t Q).
Qed.

(* The hypotheses can be met: two layers of width 2, the target diag(8, 0).  *)
Example dual_instance (R : rcfType) :
  let e : 'cV[R]_2 := delta_mx 0 0 in
  let T : 'M[R]_2 := 8%:R *: delta_mx 0 0 in
  [/\ svd T e (const_mx 8%:R) e, decreasing (const_mx 8%:R : 'rV[R]_1),
      (1 <= room (fun=> 2) 2)%N, bounded 1 (0 : 'M[R]_2)
    & exists x, minimises 1 (beta 1 2%:R 2%:R (8%:R : R)) x].
Proof.
split=> //.
- by apply: svd_unit; rewrite ltr0n.
- by move=> i j _; rewrite !mxE.
- by move=> x; rewrite mul0mx quad0 mulr_ge0 ?quad1_ge0 ?sqr_ge0.
by apply: minimiser_exists; rewrite ?divr_gt0 ?exprn_gt0 ?mulr_gt0 ?ltr0n.
Qed.
