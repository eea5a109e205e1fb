(* Claim NC-06 (balanced): the Gram matrix of a simplex equiangular tight    *)
(* frame of K >= 2 vectors. P = I - J/K is an orthogonal projection of rank  *)
(* K - 1, and vectors whose Gram matrix is a positive multiple of P have     *)
(* pairwise cosine -1/(K-1).                                                 *)
(*                                                                           *)
(*  centering K == I - J/K                                                   *)

From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp Require Import ring.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Centering.

Variables (R : numFieldType) (K : nat).
Hypothesis K_gt0 : (0 < K)%N.

Let K_neq0 : K%:R != 0 :> R. Proof. by rewrite pnatr_eq0 -lt0n. Qed.

Definition ones : 'cV[R]_K := const_mx 1.
Definition centering : 'M[R]_K := 1%:M - (K%:R)^-1 *: const_mx 1.

Lemma ones_outer : ones *m ones^T = const_mx 1 :> 'M_K.
Proof. by apply/matrixP=> i j; rewrite !mxE big_ord1 !mxE mulr1. Qed.

Lemma ones_inner : ones^T *m ones = K%:R%:M :> 'M_1.
Proof.
apply/matrixP=> i j; rewrite !ord1 !mxE (eq_bigr (fun=> 1)) => [|k _].
  by rewrite sumr_const card_ord mulr1n.
by rewrite !mxE mulr1.
Qed.

Theorem centering_sym : centering^T = centering.
Proof. by apply/matrixP=> i j; rewrite !mxE eq_sym. Qed.

Theorem centering_idem : centering *m centering = centering.
Proof.
rewrite /centering -ones_outer mulmxBl mul1mx mulmxBr mulmx1.
rewrite -scalemxAl -scalemxAr mulmxA -[ones *m _ *m ones]mulmxA ones_inner.
rewrite mul_mx_scalar -scalemxAl [(K%:R)^-1 *: (K%:R *: _)]scalerA.
by rewrite mulVf // scale1r subrr subr0.
Qed.

Theorem centering_rank : \rank centering = K.-1.
Proof.
apply/eqP; rewrite eqn_leq; apply/andP; split.
  rewrite -ltnS prednK // ltnNge.
  apply/negP => full; have unitP : centering^T \in unitmx.
    by rewrite -row_full_unit /row_full mxrank_tr eqn_leq rank_leq_row.
  have : (centering *m ones)^T = 0.
    rewrite /centering -ones_outer mulmxBl mul1mx -scalemxAl -mulmxA ones_inner.
    by rewrite mul_mx_scalar scalerA mulVf // scale1r subrr trmx0.
  rewrite trmx_mul => z; have := mulmxK unitP ones^T.
  rewrite z mul0mx => /matrixP/(_ 0 (Ordinal K_gt0)) /eqP.
  by rewrite !mxE eq_sym oner_eq0.
pose J := (K%:R)^-1 *: const_mx 1 : 'M[R]_K.
have rJ : (\rank J <= 1)%N.
  by rewrite /J -ones_outer scalemxAr (leq_trans (mxrankM_maxr _ _)) // rank_leq_row.
have : (K <= \rank centering + \rank J)%N.
  rewrite -{1}(mxrank1 R K) -(subrK J 1%:M); exact: mxrank_add.
by move=> h; rewrite -subn1 leq_subLR addnC (leq_trans h) // leq_add2l.
Qed.

(* The frame. Columns h_k of H, Gram matrix c P with c > 0. *)
Variables (p : nat) (H : 'M[R]_(p, K)) (c : R).
Hypothesis gram : H^T *m H = c *: centering.

Theorem etf_sum_zero (i : 'I_K) : (H^T *m (H *m ones)) i 0 = 0.
Proof.
rewrite mulmxA gram -scalemxAl /centering -ones_outer mulmxBl mul1mx.
rewrite -scalemxAl -mulmxA ones_inner mul_mx_scalar scalerA mulVf //.
by rewrite scale1r subrr scaler0 mxE.
Qed.

Theorem etf_norm (i : 'I_K) : (H^T *m H) i i = c * (1 - (K%:R)^-1).
Proof. by rewrite gram !mxE eqxx mulr1n mulr1. Qed.

Hypothesis K_gt1 : (1 < K)%N.
Hypothesis c_neq0 : c != 0.

Theorem etf_cosine (i j : 'I_K) : i != j ->
  (H^T *m H) i j / (H^T *m H) i i = - (K%:R - 1)^-1 /\
  (H^T *m H) j j = (H^T *m H) i i.
Proof.
move=> ij; split; last by rewrite !etf_norm.
have K1 : K%:R - 1 != 0 :> R.
  by rewrite subr_eq0 -[1]/(1%:R) eqr_nat gtn_eqF.
rewrite etf_norm gram !mxE (negbTE ij) mulr0n mulr1.
by field; rewrite ?K1 ?K_neq0 ?c_neq0.
Qed.

End Centering.

(* Conversely, K unit vectors that sum to zero and are equiangular have      *)
(* cosine -1/(K-1).                                                          *)
Theorem equiangular_zero_sum (R : numFieldType) K p (H : 'M[R]_(p, K)) (q : R) :
  (1 < K)%N -> H *m ones R K = 0 ->
  H^T *m H = (1 - q)%:M + q *: const_mx 1 -> q = - (K%:R - 1)^-1.
Proof.
move=> K_gt1 sum0 gram.
have K1 : K%:R - 1 != 0 :> R.
  by rewrite subr_eq0 -[1]/(1%:R) eqr_nat gtn_eqF.
have : H^T *m H *m ones R K = 0 by rewrite -mulmxA sum0 mulmx0.
rewrite gram mulmxDl mul_scalar_mx -scalemxAl -ones_outer -mulmxA.
rewrite (ones_inner R K) mul_mx_scalar scalerA => /matrixP.
move=> /(_ (Ordinal (ltnW K_gt1)) 0); rewrite !mxE !mulr1 => /eqP.
rewrite (_ : 1 - q + _ = 1 + q * (K%:R - 1)); last by ring.
rewrite addr_eq0 eq_sym eqr_oppLR => /eqP qK.
by rewrite -[q](mulfK K1) qK mulN1r.
Qed.

(* The hypotheses can be met for every K: H = P itself, c = 1. *)
Example etf_instance (R : numFieldType) K : (0 < K)%N ->
  (centering R K)^T *m centering R K = 1 *: centering R K.
Proof.
by move=> K0; rewrite centering_sym centering_idem // scale1r.
Qed.

(* K = 2: the vectors 1 and -1 on a line. *)
Example equiangular_instance (R : numFieldType) :
  let H : 'M[R]_(1, 2) := \row_j (if j == 0 then 1 else - 1) in
  H *m ones R 2 = 0 /\ H^T *m H = (1 - - 1)%:M + (- 1) *: const_mx 1.
Proof.
split; apply/matrixP=> i j.
  by rewrite !mxE !big_ord_recl big_ord0 !mxE /=; ring.
rewrite !mxE big_ord1 !mxE.
by case: i j => [[|[|?]] //= ?] [[|[|?]] //= ?] /=; ring.
Qed.
