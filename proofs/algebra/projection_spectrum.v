(* Claims NC-13, NC-12: singular values of the logits of balanced classes,   *)
(* and so their least regularisation (spectral_problem): the simplex ETF has *)
(* m sqrt n, K - 1 times; the antipodal pairs have 2 m sqrt n, floor(K/2)    *)
(* times, and m sqrt n once if K is odd.                                     *)
(*                                                                           *)
(* Y is any matrix with Y Y^T = n I: one-hot labels of balanced classes.     *)
(*                                                                           *)
(*  pairing r == [1 -1; -1 1] with r x r blocks: classes k and r + k are     *)
(*               partners                                                    *)
(*  pairing1 r == the same and one class without partner                     *)

From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp Require Import ring.
From SolvableAlgebra Require Import psd simplex_etf two_groups.
From SolvableAlgebra Require Import factorisation_bound svd.
From SolvableAlgebra Require Import least_regularisation.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Spectrum.

Variable R : rcfType.

Lemma svd_right m n k (X : 'M[R]_(m, n)) (U : 'M[R]_(m, k)) s
    (V : 'M[R]_(n, k)) :
  svd X U s V -> V = X^T *m U *m diag_mx (map_mx GRing.inv s).
Proof.
case=> -> UU _ s_gt0; rewrite !trmx_mul trmxK tr_diag_mx !mulmxA.
rewrite -(mulmxA _ U^T) UU mulmx1 -mulmxA mulmx_diag -[LHS]mulmx1.
congr (_ *m _); apply/matrixP=> i j; rewrite !mxE divff //.
by rewrite gt_eqF.
Qed.

(* Matrices that are orthogonal on both sides: the spectra are joined. *)
Lemma svd_cat m n k l (X1 X2 : 'M[R]_(m, n)) (U1 : 'M[R]_(m, k)) s1
    (V1 : 'M[R]_(n, k)) (U2 : 'M[R]_(m, l)) s2 (V2 : 'M[R]_(n, l)) :
  svd X1 U1 s1 V1 -> svd X2 U2 s2 V2 -> X1 *m X2^T = 0 -> X1^T *m X2 = 0 ->
  svd (X1 + X2) (row_mx U1 U2) (row_mx s1 s2) (row_mx V1 V2).
Proof.
move=> X1s X2s r0 l0; have [X1E UU1 VV1 s1_gt0] := X1s.
have [X2E UU2 VV2 s2_gt0] := X2s.
have V0 : V1^T *m V2 = 0.
  apply: (svd_lr X1s); rewrite (svd_right X2s) !mulmxA r0.
  by rewrite !mul0mx.
have U0 : U1^T *m U2 = 0.
  apply: (svd_lr (svd_tr X1s)); rewrite (svd_right (svd_tr X2s)) trmxK.
  by rewrite !mulmxA l0 !mul0mx.
split.
- rewrite diag_mx_row mul_row_block !mulmx0 add0r addr0 tr_row_mx mul_row_col.
  by rewrite -X1E -X2E.
- rewrite tr_row_mx mul_col_row UU1 UU2 U0.
  by rewrite -[U2^T *m U1]trmxK trmx_mul trmxK U0 trmx0 -scalar_mx_block.
- rewrite tr_row_mx mul_col_row VV1 VV2 V0.
  by rewrite -[V2^T *m V1]trmxK trmx_mul trmxK V0 trmx0 -scalar_mx_block.
by move=> j; rewrite mxE; case: splitP => i _.
Qed.

Lemma energy_add (lam : nat -> R) L m n (X1 X2 : 'M[R]_(m, n)) p1 p2 :
  X1 *m X2^T = 0 -> X1^T *m X2 = 0 ->
  energy lam L X1 p1 -> energy lam L X2 p2 -> energy lam L (X1 + X2) (p1 + p2).
Proof.
move=> r0 l0 [k [U1 [s1 [V1 [q1 [X1s q1E ->]]]]]].
move=> [l [U2 [s2 [V2 [q2 [X2s q2E ->]]]]]].
exists (k + l)%N, (row_mx U1 U2), (row_mx s1 s2), (row_mx V1 V2), (row_mx q1 q2).
split; first exact: svd_cat.
  by move=> j; rewrite !mxE; case: splitP => i _; [apply: q1E|apply: q2E].
by rewrite big_split_ord; congr (_ + _); apply: eq_bigr => j _;
  rewrite ?row_mxEl ?row_mxEr.
Qed.

(* Gram matrix a^2 times a projection: all singular values are a. *)
Lemma svd_projection m n k (X : 'M[R]_(m, n)) (E : 'M[R]_m) a U s
    (V : 'M[R]_(n, k)) :
  0 < a -> E *m E = E -> X *m X^T = a ^+ 2 *: E -> svd X U s V ->
  k = \rank E /\ forall j, s 0 j = a.
Proof.
move=> a_gt0 EE XX Xs; have [XE UU VV s_gt0] := Xs.
have a2 : a ^+ 2 != 0 by rewrite expf_neq0 // gt_eqF.
pose s2 := \row_j s 0 j ^+ 2.
have XXs : svd (X *m X^T) U s2 U.
  split=> // [|j]; last by rewrite mxE exprn_gt0.
  rewrite XE !trmx_mul trmxK tr_diag_mx !mulmxA -(mulmxA _ V^T) VV mulmx1.
  rewrite -(mulmxA U (diag_mx s)) mulmx_diag.
  suff -> : \row_j (s 0 j * s 0 j) = s2 by [].
  by apply/rowP=> j; rewrite [LHS]mxE [RHS]mxE expr2.
split; first by rewrite -(svd_rank XXs) XX mxrank_scale_nz.
have sq : diag_mx s2 *m diag_mx s2 = a ^+ 2 *: diag_mx s2.
  have key : X *m X^T *m (X *m X^T) = a ^+ 2 *: (X *m X^T).
    by rewrite XX -scalemxAl -scalemxAr EE.
  have UXU : U^T *m (X *m X^T) *m U = diag_mx s2.
    case: XXs => -> _ _ _; rewrite !mulmxA UU mul1mx -mulmxA UU mulmx1 //.
  have XXU : X *m X^T = U *m diag_mx s2 *m U^T by case: XXs.
  rewrite -[in RHS]UXU scalemxAl scalemxAr -key XXU !mulmxA UU mul1mx.
  by rewrite -(mulmxA _ U^T U) UU mulmx1 -(mulmxA _ U^T U) UU mulmx1.
move=> j; have /matrixP/(_ j j) := sq; rewrite mulmx_diag !mxE eqxx !mulr1n.
have sj := s_gt0 j; move=> /(mulIf (lt0r_neq0 (exprn_gt0 2 sj))) e.
by apply/eqP; rewrite -(@eqr_expn2 _ 2) ?ltW //; apply/eqP.
Qed.

Lemma energy_projection (lam : nat -> R) L m n (X : 'M[R]_(m, n)) (E : 'M[R]_m)
    a q p :
  (0 < L)%N -> (forall i, (i < L)%N -> 0 < lam i) ->
  0 < a -> E *m E = E -> X *m X^T = a ^+ 2 *: E ->
  0 <= q -> q ^+ L = (\prod_(i < L) lam i) * a ^+ 2 -> energy lam L X p ->
  p = (\rank E)%:R * q.
Proof.
move=> L_gt0 lam_gt0 a_gt0 EE XX q0 qL [k [U [s [V [r [Xs rE ->]]]]]].
have [<- sE] := svd_projection a_gt0 EE XX Xs.
rewrite (eq_bigr (fun=> q)) => [|j _].
  by rewrite sumr_const card_ord mulr_natl.
have [r0 rL] := rE j; apply/eqP; rewrite -(eqr_expn2 L_gt0) //; apply/eqP.
by rewrite rL qL sE.
Qed.

(* --- the simplex ETF and the antipodal pairs ------------------------------- *)

Variables (lam : nat -> R) (L : nat).
Hypotheses (L_gt0 : (0 < L)%N) (lam_gt0 : forall i, (i < L)%N -> 0 < lam i).
Local Notation Lam := (\prod_(i < L) lam i).
Variables (m n : R).
Hypotheses (m_gt0 : 0 < m) (n_gt0 : 0 < n).

Let rn_gt0 : 0 < Num.sqrt n. Proof. by rewrite sqrtr_gt0. Qed.
Let rn2 : Num.sqrt n ^+ 2 = n. Proof. by rewrite sqr_sqrtr // ltW. Qed.

(* Gram matrix of the logits m G Y. *)
Lemma gram_logits K N (Y : 'M[R]_(K, N)) (G H : 'M[R]_K) :
  Y *m Y^T = n%:M ->
  m *: (G *m Y) *m (m *: (H *m Y))^T = (m * Num.sqrt n) ^+ 2 *: (G *m H^T).
Proof.
move=> YY; rewrite [(_ *: _)^T]linearZ /= -scalemxAl -scalemxAr scalerA.
rewrite trmx_mul mulmxA -(mulmxA G) YY mul_mx_scalar -scalemxAl scalerA.
by rewrite exprMn rn2 expr2.
Qed.

Theorem etf_energy K N (Y : 'M[R]_(K, N)) q p : (0 < K)%N ->
  Y *m Y^T = n%:M -> 0 <= q -> q ^+ L = Lam * (m * Num.sqrt n) ^+ 2 ->
  energy lam L (m *: (centering R K *m Y)) p -> p = K.-1%:R * q.
Proof.
move=> K_gt0 YY q0 qL pE; rewrite -(centering_rank R K_gt0).
apply: (energy_projection L_gt0 lam_gt0 _ _ _ q0 qL pE).
- by rewrite mulr_gt0.
- exact: centering_idem.
by rewrite gram_logits // centering_sym centering_idem.
Qed.

Definition pairing r : 'M[R]_(r + r) := block_mx 1%:M (- 1%:M) (- 1%:M) 1%:M.
Definition pairing1 r : 'M[R]_(r + r + 1) := block_mx (pairing r) 0 0 1%:M.

Lemma pairing_sym r : (pairing r)^T = pairing r.
Proof. by rewrite tr_block_mx !raddfN /= !trmx1. Qed.

Lemma pairing_sq r : pairing r *m pairing r = 2%:R *: pairing r.
Proof.
rewrite /pairing mulmx_block scale_block_mx !(mulmxN, mulNmx, mulmx1).
by rewrite !opprK scalerN scaler_nat mulr2n opprD.
Qed.

Lemma pairing_rank r : \rank (pairing r) = r.
Proof.
apply/eqP; rewrite eqn_leq; apply/andP; split.
  have -> : pairing r = col_mx 1%:M (- 1%:M) *m row_mx 1%:M (- 1%:M).
    by rewrite mul_col_row !(mulmxN, mulNmx, mulmx1) opprK.
  exact: leq_trans (mxrankM_maxl _ _) (rank_leq_col _).
have one : row_mx 1%:M 0 *m pairing r *m col_mx 1%:M 0 = 1%:M.
  rewrite mul_row_block !mul0mx !addr0 mul_row_col mulmx0 addr0.
  by rewrite !mul1mx.
rewrite -{1}(mxrank1 R r) -one.
exact: leq_trans (mxrankM_maxl _ _) (mxrankM_maxr _ _).
Qed.

Let half r := 2%:R^-1 *: pairing r.

Lemma half_idem r : half r *m half r = half r.
Proof.
rewrite /half -scalemxAl -scalemxAr pairing_sq !scalerA.
by congr (_ *: _); field.
Qed.

Lemma half_rank r : \rank (half r) = r.
Proof. by rewrite mxrank_scale_nz ?pairing_rank // invr_eq0 pnatr_eq0. Qed.

Lemma double_scale : (2%:R * (m * Num.sqrt n)) ^+ 2 * 2%:R^-1 =
  (m * Num.sqrt n) ^+ 2 * 2%:R.
Proof. by field. Qed.

Theorem pairs_energy r N (Y : 'M[R]_(r + r, N)) q p :
  Y *m Y^T = n%:M ->
  0 <= q -> q ^+ L = Lam * (2%:R * (m * Num.sqrt n)) ^+ 2 ->
  energy lam L (m *: (pairing r *m Y)) p -> p = r%:R * q.
Proof.
move=> YY q0 qL pE; rewrite -{1}(half_rank r).
apply: (energy_projection L_gt0 lam_gt0 _ (half_idem r) _ q0 qL pE).
  by rewrite !mulr_gt0 ?ltr0n.
rewrite gram_logits // pairing_sym pairing_sq /half !scalerA.
by rewrite double_scale.
Qed.

Theorem pairs_odd_energy r N (Y : 'M[R]_(r + r + 1, N)) q q1 p :
  Y *m Y^T = n%:M ->
  0 <= q -> q ^+ L = Lam * (2%:R * (m * Num.sqrt n)) ^+ 2 ->
  0 <= q1 -> q1 ^+ L = Lam * (m * Num.sqrt n) ^+ 2 ->
  energy lam L (m *: (pairing1 r *m Y)) p -> p = r%:R * q + q1.
Proof.
move=> YY q0 qL q10 q1L pE.
pose G : 'M_(r + r + 1) := block_mx (pairing r) 0 0 0.
pose H : 'M_(r + r + 1) := block_mx 0 0 0 (1%:M : 'M[R]_1).
have GT : G^T = G by rewrite tr_block_mx !trmx0 pairing_sym.
have HT : H^T = H by rewrite tr_block_mx !trmx0 trmx1.
have GH : G *m H = 0.
  by rewrite mulmx_block !(mulmx0, mul0mx, addr0) block_mx0.
have GG : G *m G = 2%:R *: G.
  rewrite mulmx_block !(mulmx0, mul0mx, addr0) pairing_sq.
  by rewrite [RHS]scale_block_mx !scaler0.
have HH : H *m H = H by rewrite mulmx_block !(mulmx0, mul0mx, add0r, mulmx1).
have split1 : m *: (pairing1 r *m Y) = m *: (G *m Y) + m *: (H *m Y).
  rewrite -scalerDr -mulmxDl add_block_mx !addr0 add0r //.
have r0 : m *: (G *m Y) *m (m *: (H *m Y))^T = 0.
  by rewrite gram_logits // HT GH scaler0.
have l0 : (m *: (G *m Y))^T *m (m *: (H *m Y)) = 0.
  rewrite [(_ *: _)^T]linearZ /= -scalemxAl -scalemxAr trmx_mul GT.
  by rewrite -mulmxA (mulmxA G) GH mul0mx mulmx0 !scaler0.
have [p1 p1E] := energy_exists (m *: (G *m Y)) L_gt0 lam_gt0.
have [p2 p2E] := energy_exists (m *: (H *m Y)) L_gt0 lam_gt0.
rewrite split1 in pE.
rewrite (energy_unique L_gt0 lam_gt0 pE (energy_add r0 l0 p1E p2E)).
congr (_ + _).
  have EE : 2%:R^-1 *: G *m (2%:R^-1 *: G) = 2%:R^-1 *: G.
    rewrite -scalemxAl -scalemxAr GG !scalerA.
    by congr (_ *: _); field.
  have rk : \rank (2%:R^-1 *: G) = r.
    rewrite mxrank_scale_nz ?invr_eq0 ?pnatr_eq0 //.
    by rewrite rank_diag_block_mx mxrank0 addn0 pairing_rank.
  rewrite -{1}rk.
  apply: (energy_projection L_gt0 lam_gt0 _ EE _ q0 qL p1E).
    by rewrite !mulr_gt0 ?ltr0n.
  by rewrite gram_logits // GT GG !scalerA double_scale.
have -> : q1 = (\rank H)%:R * q1.
  by rewrite rank_diag_block_mx mxrank0 mxrank1 mul1r.
apply: (energy_projection L_gt0 lam_gt0 _ HH _ q10 q1L p2E).
  by rewrite mulr_gt0.
by rewrite gram_logits // HT HH.
Qed.

End Spectrum.

(* The hypotheses can be met: one sample a class, m = n = 1, L = 2: the pairs *)
(* have energy 2 each, a class without partner and the ETF 1.                *)
Example spectrum_instance (R : rcfType) K :
  [/\ (0 < 2)%N, forall i, (i < 2)%N -> 0 < (1 : R),
      (1%:M : 'M[R]_K) *m 1%:M^T = 1%:M,
      2%:R ^+ 2 = (\prod_(i < 2) 1) * (2%:R * (1 * Num.sqrt 1)) ^+ 2 :> R
    & 1 ^+ 2 = (\prod_(i < 2) 1) * (1 * Num.sqrt 1) ^+ 2 :> R].
Proof.
split=> // [i _|||]; first exact: ltr01.
- by rewrite trmx1 mulmx1.
- by rewrite big1 // sqrtr1 ?(mulr1, mul1r).
by rewrite big1 // sqrtr1 ?(mulr1, mul1r).
Qed.
