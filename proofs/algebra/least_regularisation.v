(* Claim NC-01: training a deep linear network is a spectral problem. The    *)
(* least regularisation of a factorisation with given product is             *)
(* L/2 Lambda^(1/L) sum_j sigma_j^(2/L), for widths not below the rank.      *)
(*                                                                           *)
(* L factors W 0, ..., W L.-1 as in balancedness: W 0 is the feature matrix, *)
(* L = M + 1 in the claim; lam i regularises W i and Lambda is their product.*)
(* q_j = (Lambda sigma_j^2)^(1/L) is the layer energy of the claim.          *)
(*                                                                           *)
(*  regularisation W lam L == sum_{i<L} lam_i |W_i|^2 (twice the claim's)    *)
(*  energies lam L s q == q_j >= 0 and q_j^L = Lambda s_j^2                  *)
(*  energy lam L X p   == p is the sum of the layer energies of X            *)
(*  fits d L r         == all hidden widths are at least r                   *)

From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp Require Import ring.
From SolvableAlgebra Require Import psd balancedness factorisation_bound svd.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Least.

Variable R : rcfType.

Lemma svd_rank m n k (X : 'M[R]_(m, n)) (U : 'M[R]_(m, k)) s
    (V : 'M[R]_(n, k)) :
  svd X U s V -> \rank X = k.
Proof.
case=> XE UU VV s_gt0; apply/eqP; rewrite eqn_leq; apply/andP; split.
  rewrite XE -mulmxA (leq_trans (mxrankM_maxl _ _)) //; exact: rank_leq_col.
have <- : \rank (diag_mx s) = k.
  apply: mxrank_unit; rewrite unitmxE det_diag unitfE prodf_seq_neq0.
  by apply/allP=> j _; rewrite gt_eqF.
have -> : diag_mx s = U^T *m X *m V.
  by rewrite XE !mulmxA UU mul1mx -mulmxA VV mulmx1.
exact: leq_trans (mxrankM_maxl _ _) (mxrankM_maxr _ _).
Qed.

Lemma normF_frames m n k (U : 'M[R]_(m, k)) (a : 'rV[R]_k) (V : 'M[R]_(n, k)) :
  U^T *m U = 1%:M -> V^T *m V = 1%:M ->
  normF (U *m diag_mx a *m V^T) = \sum_j a 0 j ^+ 2.
Proof.
move=> UU VV; rewrite /normF !trmx_mul trmxK tr_diag_mx !mulmxA.
rewrite -(mulmxA _ V^T) VV mulmx1 mxtrace_mulC !mulmxA UU mul1mx mulmx_diag.
by rewrite mxtrace_diag; apply: eq_bigr => j _; rewrite !mxE expr2.
Qed.

Lemma pid_orthonormal m k : (k <= m)%N ->
  (pid_mx k : 'M[R]_(m, k))^T *m pid_mx k = 1%:M.
Proof. by move=> km; rewrite tr_pid_mx pid_mx_id // pid_mx_1. Qed.

Definition energies (lam : nat -> R) L k (s q : 'rV[R]_k) :=
  forall j, 0 <= q 0 j /\ q 0 j ^+ L = (\prod_(i < L) lam i) * s 0 j ^+ 2.

Definition energy (lam : nat -> R) L m n (X : 'M[R]_(m, n)) p :=
  exists k (U : 'M[R]_(m, k)) s (V : 'M[R]_(n, k)) (q : 'rV[R]_k),
    [/\ svd X U s V, energies lam L s q & p = \sum_j q 0 j].

Section Network.

Variable d : nat -> nat.
Implicit Types (W : forall m, 'M[R]_(d m.+1, d m)) (lam : nat -> R).

Definition regularisation W lam L := \sum_(i < L) lam i * normF (W i).

Definition fits L r := forall m, (0 < m < L)%N -> (r <= d m)%N.

(* Orthonormal frames in all layers, given in the first and the last. *)
Lemma frames L k (U : 'M[R]_(d L, k)) (V : 'M[R]_(d 0, k)) :
  (0 < L)%N -> U^T *m U = 1%:M -> V^T *m V = 1%:M -> fits L k ->
  exists E : forall m, 'M[R]_(d m, k),
    [/\ E 0%N = V, E L = U & forall m, (m <= L)%N -> (E m)^T *m E m = 1%:M].
Proof.
move=> L_gt0 UU VV fit.
pose E m : 'M[R]_(d m, k) :=
  match L =P m with
  | ReflectT e => eq_rect L (fun z => 'M[R]_(d z, k)) U m e
  | ReflectF _ => if m is m'.+1 then pid_mx k else V
  end.
have EL : E L = U.
  by rewrite /E; case: eqP => // e; rewrite (eq_irrelevance e erefl).
have E0 : E 0%N = V.
  by rewrite /E; case: eqP => // e; exfalso; move: L_gt0; rewrite e.
exists E; split=> // m; rewrite leq_eqVlt => /orP[/eqP->|mL].
  by rewrite EL.
case: m mL => [|m] mL; first by rewrite E0.
rewrite /E; case: eqP => [e|_]; first by exfalso; move: mL; rewrite -e ltnn.
by apply: pid_orthonormal; apply: fit; rewrite mL.
Qed.

Section Balanced.

Variables (k : nat) (E : forall m, 'M[R]_(d m, k)) (a : nat -> 'rV[R]_k).
Variable L : nat.
Hypothesis EE : forall m, (m <= L)%N -> (E m)^T *m E m = 1%:M.

Definition from_frames m : 'M[R]_(d m.+1, d m) :=
  E m.+1 *m diag_mx (a m) *m (E m)^T.

Lemma from_frames_below m : (m < L)%N ->
  below from_frames m.+1 =
  E m.+1 *m diag_mx (\row_j \prod_(i < m.+1) a i 0 j) *m (E 0%N)^T.
Proof.
elim: m => [|m IH] mL.
  rewrite /= mulmx1; congr (_ *m diag_mx _ *m _); apply/rowP=> j.
  by rewrite mxE big_ord1.
rewrite [LHS]/= -/(below from_frames m.+1) IH ?(ltnW mL) // /from_frames.
rewrite !mulmxA -(mulmxA _ (E m.+1)^T) EE ?(ltnW mL) // mulmx1.
rewrite -(mulmxA (E m.+2) _ (diag_mx (\row_j _))) mulmx_diag.
congr (_ *m diag_mx _ *m _); apply/rowP=> j.
by rewrite !mxE [RHS]big_ord_recr mulrC.
Qed.

Lemma from_frames_norm m : (m < L)%N ->
  normF (from_frames m) = \sum_j a m 0 j ^+ 2.
Proof. by move=> mL; rewrite normF_frames // EE // ltnW. Qed.

End Balanced.

(* The factors of the claim. Singular values 0 are allowed. *)
Lemma balanced_factors lam L k U (s q : 'rV[R]_k) V :
  (0 < L)%N -> (forall i, (i < L)%N -> 0 < lam i) ->
  U^T *m U = 1%:M -> V^T *m V = 1%:M -> (forall j, 0 <= s 0 j) ->
  energies lam L s q -> fits L k ->
  exists W, exists E : forall m, 'M[R]_(d m, k),
     [/\ below W L = U *m diag_mx s *m V^T,
         regularisation W lam L = L%:R * \sum_j q 0 j,
         E 0%N = V, E L = U &
         forall m, (m < L)%N ->
           [/\ W m = E m.+1 *m diag_mx (\row_j Num.sqrt (q 0 j / lam m))
                       *m (E m)^T,
               (E m.+1)^T *m E m.+1 = 1%:M &
               lam m * normF (W m) = \sum_j q 0 j]].
Proof.
move=> L_gt0 lam_gt0 UU VV s_ge0 qE fit.
have [E [E0 EL EE]] := frames L_gt0 UU VV fit.
pose a m := \row_j Num.sqrt (q 0 j / lam m).
have lam_norm m : (m < L)%N -> lam m * normF (from_frames E a m) = \sum_j q 0 j.
  move=> mL; rewrite (from_frames_norm _ EE mL) mulr_sumr.
  apply: eq_bigr => j _.
  have lm := lam_gt0 m mL; rewrite mxE sqr_sqrtr; last first.
    by rewrite divr_ge0 ?(ltW lm) //; case: (qE j).
  by rewrite mulrC divfK // gt_eqF.
exists (from_frames E a), E; split=> //.
- case: L L_gt0 lam_gt0 U UU qE fit EL EE lam_norm => // L _ lam_gt0 U UU qE fit.
  move=> EL EE _; rewrite (from_frames_below a EE) // EL E0.
  congr (_ *m diag_mx _ *m _); apply/rowP=> j; rewrite mxE.
  have [q0 qL] := qE j; apply/eqP; rewrite -(@eqr_expn2 _ 2) //; last first.
    by apply: prodr_ge0 => i _; rewrite mxE sqrtr_ge0.
  rewrite -prodrXl (eq_bigr (fun i : 'I_L.+1 => q 0 j / lam i)) => [|i _].
    rewrite big_split /= prodr_const card_ord qL prodfV mulrAC divff ?mul1r //.
    by rewrite prodf_seq_neq0; apply/allP=> i _; rewrite gt_eqF ?lam_gt0.
  by rewrite mxE sqr_sqrtr // divr_ge0 // ltW ?lam_gt0.
- transitivity (\sum_(i < L) \sum_j q 0 j).
    by apply: eq_bigr => i _; apply: lam_norm.
  by rewrite sumr_const card_ord mulr_natl.
by move=> m mL; split; [|rewrite EE|exact: lam_norm].
Qed.

(* NC-01. *)
Theorem factorisation_minimum lam L k (X : 'M[R]_(d L, d 0)) U
    (s q : 'rV[R]_k) V :
  (0 < L)%N -> (forall i, (i < L)%N -> 0 < lam i) ->
  svd X U s V -> energies lam L s q ->
  (forall W, below W L = X ->
     L%:R * (\sum_j q 0 j) <= regularisation W lam L) /\
  (fits L k -> exists W, exists E : forall m, 'M[R]_(d m, k),
     [/\ below W L = X, regularisation W lam L = L%:R * \sum_j q 0 j,
         E 0%N = V, E L = U &
         forall m, (m < L)%N ->
           [/\ W m = E m.+1 *m diag_mx (\row_j Num.sqrt (q 0 j / lam m))
                       *m (E m)^T,
               (E m.+1)^T *m E m.+1 = 1%:M &
               lam m * normF (W m) = \sum_j q 0 j]]).
Proof.
move=> L_gt0 lam_gt0 [XE UU VV s_gt0] qE; split=> [W WX|fit].
  apply: (regularisation_bound L_gt0 lam_gt0 UU VV s_gt0 _ _ _).
  - by rewrite WX.
  - by move=> j; case: (qE j).
  - by move=> j; case: (qE j).
rewrite XE; apply: balanced_factors => // j.
exact: ltW.
Qed.

End Network.

Implicit Type lam : nat -> R.

(* Singular values and energies exist. *)
Theorem spectrum_exists lam L m n (X : 'M[R]_(m, n)) :
  (0 < L)%N -> (forall i, (i < L)%N -> 0 < lam i) ->
  exists k (U : 'M[R]_(m, k)) s (V : 'M[R]_(n, k)) (q : 'rV[R]_k),
    [/\ svd X U s V, decreasing s, k = \rank X & energies lam L s q].
Proof.
move=> L_gt0 lam_gt0; have [k [U [s [V [Xsvd dec]]]]] := svd_sorted X.
pose P := \prod_(i < L) lam i.
pose Q (x : R) (j : 'I_k) := (0 <= x) && (x ^+ L == P * s 0 j ^+ 2).
have Qex j : exists x, Q x j.
  have [|x x0 /eqP xE] := @root_exists R L (P * s 0 j ^+ 2) L_gt0.
    by rewrite mulr_ge0 ?sqr_ge0 // prodr_ge0 // => i _; rewrite ltW ?lam_gt0.
  by exists x; rewrite /Q x0.
exists k, U, s, V, (\row_j xchoose (Qex j)); split=> //.
  by rewrite (svd_rank Xsvd).
by move=> j; rewrite mxE; have /andP[x0 /eqP xE] := xchooseP (Qex j).
Qed.


Lemma energy_exists lam L m n (X : 'M[R]_(m, n)) :
  (0 < L)%N -> (forall i, (i < L)%N -> 0 < lam i) -> exists p, energy lam L X p.
Proof.
move=> L_gt0 lam_gt0.
have [k [U [s [V [q [Xsvd _ _ qE]]]]]] := spectrum_exists X L_gt0 lam_gt0.
by exists (\sum_j q 0 j), k, U, s, V, q.
Qed.

(* NC-01: training is a problem over matrices X of rank at most the widths,  *)
(* whatever the data term of X.                                              *)
Theorem training_is_spectral d lam L :
  (0 < L)%N -> (forall i, (i < L)%N -> 0 < lam i) ->
  (forall W : forall m, 'M[R]_(d m.+1, d m),
     fits d L (\rank (below W L)) /\
     exists2 p, energy lam L (below W L) p &
       L%:R * p <= regularisation W lam L) /\
  (forall (X : 'M[R]_(d L, d 0%N)) p, fits d L (\rank X) -> energy lam L X p ->
     exists2 W : forall m, 'M[R]_(d m.+1, d m),
       below W L = X & regularisation W lam L = L%:R * p).
Proof.
move=> L_gt0 lam_gt0; split=> [W|X p fit [k [U [s [V [q [Xsvd qE ->]]]]]]].
  split=> [m /andP[_ mL]|].
    have mLE : far (L - m) m = L by rewrite farE subnK // ltnW.
    rewrite -mLE -above_below.
    exact: leq_trans (mxrankM_maxr _ _) (rank_leq_row _).
  have [p pE] := energy_exists (below W L) L_gt0 lam_gt0; exists p => //.
  case: pE => k [U [s [V [q [Xsvd qE ->]]]]].
  by have [le _] := factorisation_minimum L_gt0 lam_gt0 Xsvd qE; apply: le.
have [_ []] := factorisation_minimum L_gt0 lam_gt0 Xsvd qE.
  by rewrite -(svd_rank Xsvd).
by move=> W [E [WX reg _ _ _]]; exists W.
Qed.

(* The widths n, m, m, ..., m suffice for every m x n matrix. *)
Definition square_widths (m n i : nat) := if i is 0 then n else m.

Lemma square_fits m n L (X : 'M[R]_(m, n)) : fits (square_widths m n) L (\rank X).
Proof. by case=> [|i] //= _; apply: rank_leq_row. Qed.

(* The sum of the energies does not depend on the decomposition. *)
Lemma energy_unique lam L m n (X : 'M[R]_(m, n)) p p' :
  (0 < L)%N -> (forall i, (i < L)%N -> 0 < lam i) ->
  energy lam L X p -> energy lam L X p' -> p = p'.
Proof.
case: L => // L _ lam_gt0.
suff le t t' : energy lam L.+1 X t -> energy lam L.+1 X t' -> t <= t'.
  by move=> pE pE'; apply/eqP; rewrite eq_le !le.
move=> [k [U [s [V [q [Xsvd qE ->]]]]]] tE'.
have [_ /(_ _ _ (square_fits X) tE')[W WX reg]] :=
  @training_is_spectral (square_widths m n) lam L.+1 isT lam_gt0.
have [le _] := @factorisation_minimum (square_widths m n) lam L.+1
  k X U s q V isT lam_gt0 Xsvd qE.
by have := le W WX; rewrite reg ler_pmul2l // ltr0n.
Qed.

(* One layer: the penalty is convex. Two factorisations side by side. *)
Definition side_widths (m n i : nat) :=
  match i with 0 => n | 1 => (m + m)%N | _ => m end.

Definition side_by_side m n (A B : 'M[R]_(m, n)) (C D : 'M[R]_m) i :
    'M[R]_(side_widths m n i.+1, side_widths m n i) :=
  match i with 0 => col_mx A B | 1 => row_mx C D | _ => 0 end.

Lemma normF_col m m' n (A : 'M[R]_(m, n)) (B : 'M[R]_(m', n)) :
  normF (col_mx A B) = normF A + normF B.
Proof. by rewrite /normF tr_col_mx mul_col_row mxtrace_block. Qed.

Lemma normF_row m n n' (A : 'M[R]_(m, n)) (B : 'M[R]_(m, n')) :
  normF (row_mx A B) = normF A + normF B.
Proof. by rewrite /normF tr_row_mx mul_row_col mxtraceD. Qed.

Lemma normF_scale m n a (A : 'M[R]_(m, n)) : normF (a *: A) = a ^+ 2 * normF A.
Proof.
by rewrite /normF linearZ /= -scalemxAl -scalemxAr scalerA mxtraceZ expr2.
Qed.

Lemma two_factors_convex lam m n (X Y : 'M[R]_(m, n)) t p p' p'' :
  (forall i, (i < 2)%N -> 0 < lam i) -> 0 <= t <= 1 ->
  energy lam 2 X p -> energy lam 2 Y p' ->
  energy lam 2 (t *: X + (1 - t) *: Y) p'' -> p'' <= t * p + (1 - t) * p'.
Proof.
move=> lam_gt0 /andP[t0 t1] pE pE' [k [U [s [V [q [Zsvd qE ->]]]]]].
have u0 : 0 <= 1 - t by rewrite subr_ge0.
have [_ attained] :=
  @training_is_spectral (square_widths m n) lam 2 isT lam_gt0.
have [A AX regA] := attained X p (square_fits X) pE.
have [B BY regB] := attained Y p' (square_fits Y) pE'.
pose a := Num.sqrt t; pose b := Num.sqrt (1 - t).
have aa : a ^+ 2 = t by rewrite sqr_sqrtr.
have bb : b ^+ 2 = 1 - t by rewrite sqr_sqrtr.
pose W := side_by_side (a *: A 0%N : 'M_(m, n)) (b *: B 0%N : 'M_(m, n))
  (a *: A 1%N : 'M_m) (b *: B 1%N : 'M_m).
have WZ : below W 2 = t *: X + (1 - t) *: Y.
  rewrite /= mulmx1 mul_row_col -!scalemxAl -!scalemxAr !scalerA -!expr2 aa bb.
  by rewrite -AX -BY /= !mulmx1.
have [le _] :=
  @factorisation_minimum (side_widths m n) lam 2 k _ U s q V isT lam_gt0 Zsvd qE.
rewrite -(@ler_pmul2l _ 2%:R) ?ltr0n //.
suff <- : regularisation W lam 2 = 2%:R * (t * p + (1 - t) * p') by exact: le.
rewrite mulrDr mulrCA (mulrCA _ (1 - t)) -regA -regB /regularisation.
rewrite !big_ord_recl !big_ord0 !addr0 /= normF_col normF_row !normF_scale aa bb.
move: (normF (A 0%N)) (normF (A 1%N)) (normF (B 0%N)) (normF (B 1%N)).
by move=> *; ring.
Qed.

Lemma energy_zero lam L m n : energy lam L (0 : 'M[R]_(m, n)) 0.
Proof.
exists 0%N, 0, 0, 0, 0; split; [|by case|by rewrite big_ord0].
by split; [rewrite !mul0mx|apply/matrixP=> -[]..|case].
Qed.

Lemma svd_unit m n (i : 'I_m) (j : 'I_n) (c : R) : 0 < c ->
  svd (c *: delta_mx i j) (delta_mx i 0 : 'cV_m) (const_mx c) (delta_mx j 0).
Proof.
move=> c0; have del1 (l : nat) (h : 'I_l) :
    (delta_mx h 0 : 'cV[R]_l)^T *m delta_mx h 0 = 1%:M.
  by rewrite trmx_delta mul_delta_mx; apply: mx11E; rewrite !mxE.
split; [|exact: del1|exact: del1|by move=> l; rewrite mxE].
by rewrite diag_const_mx mul_mx_scalar -scalemxAl trmx_delta mul_delta_mx.
Qed.

Lemma energy_unit lam L m n (i : 'I_m) (j : 'I_n) c q : 0 < c -> 0 <= q ->
  q ^+ L = (\prod_(l < L) lam l) * c ^+ 2 ->
  energy lam L (c *: delta_mx i j : 'M[R]_(m, n)) q.
Proof.
move=> c0 q0 qL.
exists 1%N, (delta_mx i 0), (const_mx c), (delta_mx j 0), (const_mx q).
split; [exact: svd_unit|by move=> l; rewrite !mxE|by rewrite big_ord1 mxE].
Qed.

(* M >= 2: the penalty is not convex, already on a segment from 0. *)
Lemma deep_not_convex lam L m n : (2 < L)%N -> (0 < m)%N -> (0 < n)%N ->
  (forall i, (i < L)%N -> 0 < lam i) ->
  exists (X : 'M[R]_(m, n)) p p'',
    [/\ energy lam L X p, energy lam L (2%:R^-1 *: X) p'' & p / 2%:R < p''].
Proof.
move=> L2 m0 n0 lam_gt0; have L_gt0 : (0 < L)%N by apply: leq_trans L2.
pose P := \prod_(l < L) lam l; have P_gt0 : 0 < P.
  by apply: prodr_gt0 => i _; apply: lam_gt0.
have [p p_ge0 pL] := root_exists L_gt0 (ltW P_gt0).
have P4 : 0 <= P * 2%:R^-1 ^+ 2 by rewrite mulr_ge0 ?sqr_ge0 // ltW.
have [p'' p''_ge0 p''L] := root_exists L_gt0 P4.
have h_gt0 : 0 < 2%:R^-1 :> R by rewrite invr_gt0 ltr0n.
exists (delta_mx (Ordinal m0) (Ordinal n0)), p, p''; split.
- rewrite -[delta_mx _ _]scale1r; apply: energy_unit => //.
    exact: ltr01.
  by rewrite expr1n mulr1.
- exact: energy_unit.
have p2 : 0 <= p / 2%:R by rewrite divr_ge0 // ler0n.
rewrite -(ltr_pexpn2r L_gt0) ?nnegrE // p''L expr_div_n pL -/P ltr_pmul2l //.
have h_lt1 : 2%:R^-1 < 1 :> R by rewrite invf_lt1 ?ltr0n // ltr1n.
by rewrite -exprVn (ltr_iexpn2l h_gt0 h_lt1).
Qed.

(* NC-01: the penalty is convex iff M = 1, that is L = 2. *)
Theorem penalty_convex_iff lam L m n : (1 < L)%N -> (0 < m)%N -> (0 < n)%N ->
  (forall i, (i < L)%N -> 0 < lam i) ->
  (forall (X Y : 'M[R]_(m, n)) t p p' p'', 0 <= t <= 1 ->
     energy lam L X p -> energy lam L Y p' ->
     energy lam L (t *: X + (1 - t) *: Y) p'' ->
     p'' <= t * p + (1 - t) * p') <->
  L = 2%N.
Proof.
move=> L1 m0 n0 lam_gt0; split=> [convex|e X Y t p p' p'' t01].
  apply/eqP; rewrite eqn_leq L1 andbT leqNgt; apply/negP => L2.
  have [X [p [p'' [pE pE'' lt]]]] := deep_not_convex L2 m0 n0 lam_gt0.
  have h01 : 0 <= (2%:R^-1 : R) <= 1.
    apply/andP; split; first by rewrite invr_ge0 ler0n.
    by rewrite invf_le1 ?ltr0n // ler1n.
  have := convex X 0 2%:R^-1 p 0 p'' h01 pE (energy_zero lam L m n).
  rewrite scaler0 addr0 mulr0 addr0 => /(_ pE''); rewrite mulrC leNgt.
  by rewrite lt.
by move: lam_gt0; rewrite e => lam_gt0; apply: two_factors_convex.
Qed.

(* NC-01 in one statement. The objective with any data term and the spectral *)
(* problem have the same lower bounds, hence the same infimum.               *)
Theorem spectral_problem d lam L :
  (1 < L)%N -> (forall i, (i < L)%N -> 0 < lam i) ->
  [/\ forall X : 'M[R]_(d L, d 0%N),
        exists2 p, energy lam L X p & forall p', energy lam L X p' -> p' = p,
      forall k (X : 'M[R]_(d L, d 0%N)) (U : 'M[R]_(d L, k)) s q V,
        svd X U s V -> energies lam L s q ->
        (forall W : forall m, 'M[R]_(d m.+1, d m), below W L = X ->
           L%:R / 2%:R * (\sum_j q 0 j) <= regularisation W lam L / 2%:R) /\
        (fits d L (\rank X) ->
         exists W : forall m, 'M[R]_(d m.+1, d m),
         exists E : forall m, 'M[R]_(d m, k),
         [/\ below W L = X,
             regularisation W lam L / 2%:R = L%:R / 2%:R * \sum_j q 0 j,
             E 0%N = V, E L = U &
             forall m, (m < L)%N -> (E m.+1)^T *m E m.+1 = 1%:M /\
               W m = E m.+1 *m diag_mx (\row_j Num.sqrt (q 0 j / lam m))
                       *m (E m)^T]),
      forall (data : 'M[R]_(d L, d 0%N) -> R) v,
        (forall W, v <= data (below W L) + regularisation W lam L / 2%:R) <->
        (forall X p, fits d L (\rank X) -> energy lam L X p ->
           v <= data X + L%:R / 2%:R * p)
    & forall m n, (0 < m)%N -> (0 < n)%N ->
        (forall (X Y : 'M[R]_(m, n)) t p p' p'', 0 <= t <= 1 ->
           energy lam L X p -> energy lam L Y p' ->
           energy lam L (t *: X + (1 - t) *: Y) p'' ->
           p'' <= t * p + (1 - t) * p') <-> L = 2%N].
Proof.
move=> L1 lam_gt0; have L_gt0 : (0 < L)%N by apply: ltnW.
have half_gt0 : 0 < 2%:R^-1 :> R by rewrite invr_gt0 ltr0n.
split; last by move=> m n m0 n0; apply: penalty_convex_iff.
- move=> X; have [p pE] := energy_exists X L_gt0 lam_gt0; exists p => // p' pE'.
  exact: energy_unique L_gt0 lam_gt0 pE' pE.
- move=> k X U s q V Xsvd qE.
  have [le attained] := factorisation_minimum L_gt0 lam_gt0 Xsvd qE.
  split=> [W WX|fit]; first by rewrite mulrAC ler_pmul2r // le.
  have [|W [E [WX reg E0 EL WE]]] := attained.
    by rewrite -(svd_rank Xsvd).
  exists W, E; split=> // [|m mL]; first by rewrite reg mulrAC.
  by have [-> EE _] := WE m mL.
move=> data v.
have [below_ge attained] := @training_is_spectral d lam L L_gt0 lam_gt0.
split=> [le X p fit pE|le W].
  have [W <- reg] := attained X p fit pE; have := le W.
  by rewrite reg mulrAC.
have [fit [p pE reg]] := below_ge W.
apply: le_trans (le _ _ fit pE) _; rewrite ler_add2l mulrAC.
by rewrite ler_pmul2r.
Qed.

End Least.

(* The hypotheses can be met: three layers of width 2 and the rank one       *)
(* product diag(8, 0), of energy 4.                                          *)
Example least_instance (R : rcfType) :
  let X : 'M[R]_2 := 8%:R *: delta_mx 0 0 in
  let e : 'cV[R]_2 := delta_mx 0 0 in
  [/\ forall i, (i < 3)%N -> 0 < (1 : R),
      svd X e (const_mx 8%:R) e,
      energies (fun=> 1) 3 (const_mx 8%:R : 'rV[R]_1) (const_mx 4%:R),
      energy (fun=> 1) 3 X 4%:R & fits (fun=> 2%N) 3 (\rank X)].
Proof.
have e64 : 4%:R ^+ 3 = (\prod_(i < 3) 1) * 8%:R ^+ 2 :> R.
  by rewrite big1 // mul1r -!natrX.
split.
- by move=> i _; exact: ltr01.
- by apply: svd_unit; rewrite ltr0n.
- by move=> j; rewrite !mxE ler0n.
- by apply: energy_unit; rewrite ?ltr0n ?ler0n.
by move=> m _; apply: rank_leq_row.
Qed.
