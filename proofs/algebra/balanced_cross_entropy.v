(* Claims NC-12, NC-13: balanced classes and a loss that is at least ell of  *)
(* the mean margin, ell decreasing: bounds for the whole objective at every  *)
(* depth, attained by the simplex ETF for M = 1.                             *)
(*                                                                           *)
(* For cross-entropy ell(m) = log(1 + (K-1) e^(-m)); that it bounds the data *)
(* term, for any bias, and is reached by the ETF is proved for the real      *)
(* numbers in ce_jensen and antipodal_pairs. Here any ell over any real      *)
(* closed field. K classes, n samples in each; L = M + 1 factors.            *)
(*                                                                           *)
(*  mean_margin y Z == mean over samples i and classes j <> y_i of           *)
(*                     Z_{y_i, i} - Z_{j, i}                                 *)
(*  objective data pen lam L W b == data (product) b + pen b                 *)
(*                     + 1/2 sum lam_i |W_i|^2                               *)

From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp Require Import ring.
From SolvableAlgebra Require Import psd balancedness simplex_etf two_groups.
From SolvableAlgebra Require Import factorisation_bound svd.
From SolvableAlgebra Require Import least_regularisation trace_inequality.
From SolvableAlgebra Require Import collapse_minimum projection_spectrum.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

(* The sum of the energies is least when all the mass is in one value. *)
Lemma energy_concentrated (R : rcfType) (lam : nat -> R) L k (s q : 'rV[R]_k) r :
  (1 < L)%N -> (forall j, 0 <= s 0 j) -> energies lam L s q ->
  0 <= r -> r ^+ L = (\prod_(i < L) lam i) * (\sum_j s 0 j) ^+ 2 ->
  r <= \sum_j q 0 j.
Proof.
move=> L1 s0 qE r0 rL; have L_gt0 : (0 < L)%N by apply: ltnW.
have q0 j : 0 <= q 0 j by case: (qE j).
set S := \sum_j s 0 j in rL; have S0 : 0 <= S by apply: sumr_ge0.
have [Sz|Snz] := eqVneq S 0.
  move: rL; rewrite Sz expr0n mulr0 => /eqP; rewrite expf_eq0 L_gt0 => /eqP->.
  exact: sumr_ge0.
have S_gt0 : 0 < S by rewrite lt_neqAle eq_sym Snz.
have -> : r = \sum_j r * (s 0 j / S).
  by rewrite -mulr_sumr -mulr_suml divff ?mulr1.
apply: ler_sum => j _; have [_ qL] := qE j.
have t0 : 0 <= s 0 j / S by rewrite divr_ge0.
have t1 : s 0 j / S <= 1.
  rewrite ler_pdivr_mulr // mul1r /S (bigD1 j) //= ler_addl.
  by apply: sumr_ge0.
rewrite -(ler_pexpn2r L_gt0) ?nnegrE ?(mulr_ge0 r0 t0) ?q0 // qL exprMn rL.
have -> : \prod_(i < L) lam i * s 0 j ^+ 2 =
    \prod_(i < L) lam i * S ^+ 2 * (s 0 j / S) ^+ 2.
  rewrite -mulrA -exprMn; congr (_ * _ ^+ 2).
  by rewrite mulrCA divff ?mulr1.
rewrite -rL ler_wpmul2l ?exprn_ge0 //.
exact: ler_wiexpn2l.
Qed.

Section Margin.

Variables (R : rcfType) (K N : nat) (y : 'I_N -> 'I_K).
Hypothesis K1 : (1 < K)%N.
Let K_gt0 : (0 < K)%N. Proof. exact: ltnW. Qed.

Definition mean_margin (Z : 'M[R]_(K, N)) :=
  (N%:R * K.-1%:R)^-1 * \sum_i \sum_(j | j != y i) (Z (y i) i - Z j i).

Local Notation etf := (centering R K *m onehot R y).

Lemma etf_entry j i : etf j i = (y i == j)%:R - K%:R^-1.
Proof.
rewrite mxE (bigD1 (y i)) //= big1 => [|k ki].
  by rewrite addr0 !mxE eqxx !mulr1 eq_sym.
by rewrite [onehot _ _ _ _]mxE eq_sym (negbTE ki) mulr0.
Qed.

Lemma margin_trace Z :
  mean_margin Z = K%:R / (N%:R * K.-1%:R) * \tr (Z *m etf^T).
Proof.
rewrite /mean_margin mulrAC mulrC; congr (_ * _).
have -> : \tr (Z *m etf^T) = \sum_i \sum_j Z j i * etf j i.
  rewrite /mxtrace exchange_big; apply: eq_bigr => j _; rewrite mxE.
  by apply: eq_bigr => i _; rewrite [etf^T _ _]mxE.
rewrite mulr_sumr; apply: eq_bigr => i _.
have -> : \sum_(j | j != y i) (Z (y i) i - Z j i) = \sum_j (Z (y i) i - Z j i).
  by rewrite [RHS](bigD1 (y i)) //= subrr add0r.
rewrite sumrB sumr_const card_ord -[Z _ _ *+ _]mulr_natl.
have -> : \sum_j Z j i * etf j i = Z (y i) i - K%:R^-1 * \sum_j Z j i.
  pose F j := Z j i * (y i == j)%:R - K%:R^-1 * Z j i.
  rewrite (eq_bigr F) /F; last first.
    by move=> j _; rewrite etf_entry mulrBr [_ * K%:R^-1]mulrC.
  rewrite sumrB -mulr_sumr (bigD1 (y i)) //= eqxx mulr1 big1 ?addr0 // => j ji.
  by rewrite eq_sym (negbTE ji) mulr0.
by rewrite mulrBr mulrA divff ?mul1r // pnatr_eq0 -lt0n.
Qed.

Lemma trace_centering : \tr (centering R K) = K.-1%:R.
Proof.
rewrite /mxtrace (eq_bigr (fun=> 1 - K%:R^-1)) => [|i _]; last first.
  by rewrite !mxE eqxx mulr1.
rewrite sumr_const card_ord -mulr_natl mulrBr mulr1 divff.
  by rewrite -{1}(prednK K_gt0) mulrS addrC addKr.
by rewrite pnatr_eq0 -lt0n.
Qed.

(* A bias does not change the mean margin of balanced classes. *)
Lemma margin_bias n Z (b : 'cV[R]_K) : class_size R y = const_mx n ->
  mean_margin (Z + b *m (ones R N)^T) = mean_margin Z.
Proof.
move=> bal; rewrite !margin_trace mulmxDl mxtraceD.
suff -> : \tr (b *m (ones R N)^T *m etf^T) = 0 by rewrite addr0.
have YE : onehot R y *m ones R N = n *: ones R K.
  apply/matrixP=> k l; rewrite !ord1 [LHS]mxE !mxE mulr1.
  have := congr1 (fun M : 'rV_K => M 0 k) bal; rewrite !mxE => <-.
  rewrite -sum1dep_card natr_sum [RHS]big_mkcond; apply: eq_bigr => i _.
  by rewrite !mxE mulr1; case: eqP.
have -> : b *m (ones R N)^T *m etf^T = b *m (etf *m ones R N)^T.
  by rewrite [(etf *m _)^T]trmx_mul mulmxA.
rewrite -mulmxA YE -scalemxAr /centering -ones_outer mulmxBl mul1mx.
rewrite -scalemxAl -mulmxA ones_inner mul_mx_scalar scalerA mulVf.
  by rewrite scale1r subrr scaler0 trmx0 mulmx0 mxtrace0.
by rewrite pnatr_eq0 -lt0n.
Qed.

End Margin.

Section Objective.

Variables (R : rcfType) (d : nat -> nat) (L : nat) (lam : nat -> R).
Local Notation K := (d L).
Local Notation N := (d 0).
Variables (y : 'I_N -> 'I_K) (n : R).
Hypothesis lam_gt0 : forall i, (i < L)%N -> 0 < lam i.
Hypotheses (L1 : (1 < L)%N) (K1 : (1 < K)%N) (n_gt0 : 0 < n).
Hypothesis balanced : class_size R y = const_mx n.
Variables (Bias : Type) (data : 'M[R]_(K, N) -> Bias -> R) (pen : Bias -> R).
Variable ell : R -> R.
Hypothesis ell_dec : forall a b, a <= b -> ell b <= ell a.
Hypothesis jensen : forall Z b, ell (mean_margin y Z) <= data Z b.
Hypothesis pen_ge0 : forall b, 0 <= pen b.

Implicit Type W : forall m, 'M[R]_(d m.+1, d m).
Local Notation etf := (centering R K *m onehot R y).

Definition objective W b :=
  data (below W L) b + pen b + regularisation W lam L / 2%:R.

Let L_gt0 : (0 < L)%N. Proof. exact: ltnW. Qed.
Let K_gt0 : (0 < K)%N. Proof. exact: ltnW. Qed.
Let K1_gt0 : 0 < K.-1%:R :> R. Proof. by rewrite ltr0n -ltnS prednK. Qed.
Let rn_gt0 : 0 < Num.sqrt n. Proof. by rewrite sqrtr_gt0. Qed.
Let rn2 : Num.sqrt n ^+ 2 = n. Proof. by rewrite sqr_sqrtr // ltW. Qed.

Lemma inhabited k : 0 < class_size R y 0 k.
Proof. by rewrite balanced mxE. Qed.

Lemma labels_gram : onehot R y *m (onehot R y)^T = n%:M.
Proof.
have [-> _ VV _] := targets_without_bias inhabited.
rewrite mul1mx trmx_mul trmxK tr_diag_mx mulmxA -(mulmxA _ _^T) VV mulmx1.
rewrite mulmx_diag -diag_const_mx; congr diag_mx; apply/rowP=> k.
by rewrite [LHS]mxE [root_size _ _ _ _]mxE -expr2 balanced !mxE.
Qed.

Lemma sample_count : N%:R = K%:R * n.
Proof.
have -> : N%:R = \sum_k class_size R y 0 k.
  transitivity (\sum_k \sum_i (y i == k)%:R : R); last first.
    apply: eq_bigr => k _.
    by rewrite [RHS]mxE -natr_sum -sum1dep_card [in RHS]big_mkcond.
  rewrite exchange_big /= (eq_bigr (fun=> 1)) => [|i _].
    by rewrite sumr_const card_ord.
  rewrite (bigD1 (y i)) //= eqxx big1 ?addr0 // => k.
  by rewrite eq_sym => /negbTE->.
by rewrite balanced (eq_bigr (fun=> n)) => [|k _];
  rewrite ?mxE // sumr_const card_ord mulr_natl.
Qed.

(* NC-13, the certified lower bound, and NC-12 for M = 1. *)
Theorem margin_bound W b : exists m q,
  [/\ 0 <= m, 0 <= q,
      q ^+ L = (\prod_(i < L) lam i) * (K.-1%:R * m * Num.sqrt n) ^+ 2
    & ell m + L%:R / 2%:R * q <= objective W b].
Proof.
have [k [U [s [V [q [Xs s_dec _ qE]]]]]] :=
  spectrum_exists (below W L) L_gt0 lam_gt0.
have [reg _] := factorisation_minimum L_gt0 lam_gt0 Xs qE.
have [l [P [t [Q [As t_dec]]]]] := svd_sorted etf.
have s0 j : 0 <= s 0 j by case: Xs => _ _ _ s_gt0; apply: ltW.
have gram : etf *m etf^T = Num.sqrt n ^+ 2 *: centering R K.
  rewrite trmx_mul mulmxA -(mulmxA (centering R K)) labels_gram mul_mx_scalar.
  by rewrite -scalemxAl centering_sym centering_idem // rn2.
have [_ tE] := svd_projection rn_gt0 (centering_idem R K_gt0) gram As.
pose S := \sum_j s 0 j; have S0 : 0 <= S by apply: sumr_ge0.
have tr_le : \tr (below W L *m etf^T) <= Num.sqrt n * S.
  apply: le_trans (von_neumann Xs s_dec As t_dec (leq_addr l k) (leq_addl k l)) _.
  have -> : S = \sum_(i < k + l) at0 s i.
    by rewrite (at0_sum s (F := fun _ x => x) (leq_addr l k)).
  rewrite mulr_sumr; apply: ler_sum => i _; rewrite mulrC ler_wpmul2r ?at0_ge0 //.
  have [li|il] := leqP l i; first by rewrite at0_out // ltW.
  by rewrite -[nat_of_ord i]/(nat_of_ord (Ordinal il)) at0_ord tE.
pose m := S / (K.-1%:R * Num.sqrt n).
have m0 : 0 <= m by rewrite divr_ge0 // mulr_ge0 // ltW.
have mS : K.-1%:R * m * Num.sqrt n = S.
  by rewrite /m; field; rewrite !gt_eqF.
have P0 : 0 <= \prod_(i < L) lam i by apply: prodr_ge0 => i _; apply/ltW/lam_gt0.
have [r r0 rL] := root_exists L_gt0 (mulr_ge0 P0 (sqr_ge0 S)).
exists m, r; split=> //; first by rewrite mS.
rewrite /objective; apply: ler_add.
  rewrite -[ell m]addr0; apply: ler_add => //; apply: le_trans (jensen _ _).
  apply: ell_dec; rewrite margin_trace // sample_count.
  have c_gt0 : 0 < K%:R / (K%:R * n * K.-1%:R) :> R.
    by rewrite divr_gt0 ?mulr_gt0 ?K1_gt0 ?ltr0n.
  apply: (@le_trans _ _ (K%:R / (K%:R * n * K.-1%:R) * (Num.sqrt n * S))).
    by rewrite ler_pmul2l.
  rewrite /m -{1}rn2 le_eqVlt; apply/orP; left; apply/eqP.
  by field; rewrite !gt_eqF ?K1_gt0 ?ltr0n.
rewrite mulrAC ler_pmul2r ?invr_gt0 ?ltr0n //; apply: le_trans (reg W _) => //.
rewrite ler_pmul2l ?ltr0n //.
exact: (energy_concentrated L1 s0 qE r0 rL).
Qed.

(* The simplex ETF m (I - J/K) Y, m >= 0, has this value, at every depth, if *)
(* the widths are at least K - 1. For M = 1 it is the bound.                 *)
Hypothesis etf_data : forall m, 0 <= m -> exists b,
  data (m *: etf) b + pen b = ell m.

Theorem etf_attains m q : fits d L K.-1 ->
  0 <= m -> 0 <= q -> q ^+ L = (\prod_(i < L) lam i) * (m * Num.sqrt n) ^+ 2 ->
  exists W b, below W L = m *: etf /\
    objective W b = ell m + L%:R / 2%:R * (K.-1%:R * q).
Proof.
move=> wide m_ge0 q0 qL; have [b bE] := etf_data m_ge0.
have [mz|m_neq0] := eqVneq m 0.
  exists (fun=> 0), b; move: bE; rewrite mz scale0r.
  have -> : below (fun m0 : nat => 0 : 'M[R]_(d m0.+1, d m0)) L = 0.
    by case: L L_gt0 => // L' _; rewrite /= mul0mx.
  split=> //; rewrite /objective.
  have -> : below (fun m0 : nat => 0 : 'M[R]_(d m0.+1, d m0)) L = 0.
    by case: L L_gt0 => // L' _; rewrite /= mul0mx.
  rewrite bE /regularisation big1 => [|i _]; last first.
    by rewrite /normF mul0mx mxtrace0 mulr0.
  have /eqP : q ^+ L = 0 by rewrite qL mz mul0r expr0n mulr0.
  by rewrite expf_eq0 => /andP[_ /eqP->]; rewrite !mulr0 mul0r.
have m_gt0 : 0 < m by rewrite lt_neqAle eq_sym m_neq0.
have [p pE] := energy_exists (m *: etf) L_gt0 lam_gt0.
have pq := etf_energy L_gt0 lam_gt0 m_gt0 n_gt0 K_gt0 labels_gram q0 qL pE.
have [_ attained] := @training_is_spectral R d lam L L_gt0 lam_gt0.
have [|W WX reg] := attained (m *: etf) p _ pE.
  move=> i iL; apply: leq_trans (wide i iL).
  rewrite mxrank_scale_nz ?gt_eqF // -(centering_rank R K_gt0).
  exact: mxrankM_maxl.
exists W, b; split=> //; rewrite /objective WX bE reg pq.
by rewrite mulrAC.
Qed.

End Objective.

(* NC-12: M = 1, lambda = u. The objective is a function of the margin alone, *)
(* as far as its least values go; a best margin gives the global minimum.    *)
Theorem one_layer_minimum_margin (R : rcfType) (d : nat -> nat) (lam : nat -> R)
    (y : 'I_(d 0%N) -> 'I_(d 2%N)) n u (Bias : Type)
    (data : 'M[R]_(d 2%N, d 0%N) -> Bias -> R) (pen : Bias -> R) (ell : R -> R)
    m :
  (forall i, (i < 2)%N -> 0 < lam i) -> (1 < d 2)%N -> 0 < n ->
  class_size R y = const_mx n -> 0 < u -> lam 0%N * lam 1%N = u ^+ 2 ->
  ((d 2%N).-1 <= d 1%N)%N ->
  (forall a b, a <= b -> ell b <= ell a) ->
  (forall Z b, ell (mean_margin y Z) <= data Z b) -> (forall b, 0 <= pen b) ->
  (forall m, 0 <= m -> exists b,
     data (m *: (centering R (d 2%N) *m onehot R y)) b + pen b = ell m) ->
  let scalar m := ell m + u * (d 2%N).-1%:R * Num.sqrt n * m in
  0 <= m -> (forall m', 0 <= m' -> scalar m <= scalar m') ->
  (forall W b, scalar m <= objective lam data pen W b) /\
  exists W b, below W 2%N = m *: (centering R (d 2%N) *m onehot R y) /\
    objective lam data pen W b = scalar m.
Proof.
move=> lam_gt0 K1 n_gt0 bal u_gt0 uE wide ell_dec jensen pen0 etf_data scalar m0.
move=> m_best; have LamE : \prod_(i < 2) lam i = u ^+ 2.
  by rewrite !big_ord_recl big_ord0 mulr1 /= uE.
have two : 2%:R / 2%:R = 1 :> R by rewrite divff // pnatr_eq0.
split=> [W b|].
  have [m' [q [m'0 q0 qE le]]] :=
    margin_bound lam_gt0 (isT : (1 < 2)%N) K1 n_gt0 bal ell_dec jensen pen0 W b.
  apply: le_trans (m_best m' m'0) _; apply: le_trans le; rewrite ler_add2l.
  suff -> : q = u * ((d 2%N).-1%:R * m' * Num.sqrt n).
    by rewrite two mul1r le_eqVlt; apply/orP; left; apply/eqP; ring.
  apply/eqP; rewrite -(@eqr_expn2 _ 2) //; last first.
    by rewrite !mulr_ge0 ?sqrtr_ge0 ?ler0n // ltW.
  by rewrite qE LamE -exprMn.
have qE : (u * (m * Num.sqrt n)) ^+ 2 =
    (\prod_(i < 2) lam i) * (m * Num.sqrt n) ^+ 2.
  by rewrite LamE exprMn.
have q0 : 0 <= u * (m * Num.sqrt n) by rewrite !mulr_ge0 ?sqrtr_ge0 // ltW.
have fit : fits d 2 (d 2%N).-1 by case=> [|[|i]].
have [W [b [WX obj]]] := etf_attains lam_gt0 (isT : (1 < 2)%N) K1 n_gt0 bal
  etf_data fit m0 q0 qE.
exists W, b; split=> //; rewrite obj two mul1r; congr (_ + _).
by ring.
Qed.

(* The hypotheses can be met: two classes with one sample each, the loss is  *)
(* minus the mean margin, lambda = 1; every margin is then a best one.       *)
Example balanced_instance (R : rcfType) :
  let y := fun k : 'I_2 => k in
  let scalar m : R := - m + 1 * 1%:R * Num.sqrt 1 * m in
  [/\ class_size R y = const_mx 1,
      forall a b : R, a <= b -> - b <= - a,
      forall m, mean_margin y (m *: (centering R 2 *m onehot R y)) = m
    & forall m', 0 <= m' -> scalar 1 <= scalar m'].
Proof.
move=> y scalar; have sizes : class_size R y = const_mx 1.
  by apply/rowP=> k; rewrite !mxE -sum1dep_card (big_pred1 k).
split=> // [a b|m|m' _]; first by rewrite ler_opp2.
  rewrite margin_trace // -scalemxAl mxtraceZ trmx_mul mulmxA.
  rewrite -(mulmxA (centering R 2)).
  have -> : onehot R y *m (onehot R y)^T = 1%:M.
    apply/matrixP=> i j; rewrite !mxE (bigD1 i) //= big1 => [|k ki].
      by rewrite !mxE eqxx mul1r addr0 eq_sym.
    by rewrite !mxE (negbTE ki) mul0r.
  rewrite mulmx1 centering_sym centering_idem // trace_centering //.
  by rewrite -[2.-1%:R]/(1 : R) !mulr1 divff ?mul1r // pnatr_eq0.
by rewrite /scalar sqrtr1 !mulr1 !mul1r !addNr.
Qed.
