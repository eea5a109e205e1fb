(* Claim NC-01: the lower bound on the regularisation of a factorisation, at *)
(* every depth and for factors of any sizes, without compound matrices.      *)
(*                                                                           *)
(* Let X = W_{L-1} ... W_0 = U diag(s) V^T, s > 0, U and V with orthonormal  *)
(* columns. Push V through the network and make its columns orthogonal again *)
(* after every layer (Gram-Schmidt, without square roots):                   *)
(*   W_{i-1} ... W_0 V = B_i C_i,  B_i^T B_i diagonal, C_i unit triangular.  *)
(* Column j of B_i is lengthened by a factor whose square is r_i(j); the     *)
(* product over the layers is s_j^2, because U diag(s) is orthogonal from    *)
(* the start; |W_i|^2 >= sum_j r_i(j); and the means of L numbers are left.  *)
(*                                                                           *)
(*  normF A   == |A|_F^2                                                     *)
(*  upper1 C  == C is upper triangular with ones on the diagonal             *)

From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp Require Import ring.
From SolvableAlgebra Require Import psd balancedness.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Flag.

Variable R : realFieldType.

Definition normF m n (A : 'M[R]_(m, n)) := \tr (A *m A^T).

Lemma normF_ge0 m n (A : 'M[R]_(m, n)) : 0 <= normF A.
Proof. exact: trace_sq_ge0. Qed.

Lemma normF_tr m n (A : 'M[R]_(m, n)) : normF A^T = normF A.
Proof. by rewrite /normF trmxK mxtrace_mulC. Qed.

Lemma normF_sum m n (A : 'M[R]_(m, n)) : normF A = \sum_i \sum_j A i j ^+ 2.
Proof.
rewrite /normF /mxtrace; apply: eq_bigr => i _; rewrite mxE.
by apply: eq_bigr => j _; rewrite mxE.
Qed.

Definition upper1 k (C : 'M[R]_k) :=
  forall i j : 'I_k, (j <= i)%N -> C i j = (i == j)%:R.

Lemma upper1_1 k : upper1 (1%:M : 'M[R]_k).
Proof. by move=> i j _; rewrite mxE. Qed.

Lemma upper1_mul k (C D : 'M[R]_k) : upper1 C -> upper1 D -> upper1 (C *m D).
Proof.
move=> uC uD i j ji; rewrite mxE (bigD1 i) //= big1 => [|l li].
  by rewrite addr0 uC // eqxx mul1r uD.
have [l_le|l_gt] := leqP l i; first by rewrite uC // eq_sym (negbTE li) mul0r.
rewrite uD ?(leq_trans ji (ltnW l_gt)) // -val_eqE gtn_eqF ?mulr0 //.
exact: leq_ltn_trans ji l_gt.
Qed.

Lemma upper1_unit k (C : 'M[R]_k) : upper1 C -> C \in unitmx.
Proof.
move=> uC; rewrite -unitmx_tr unitmxE det_trig ?big1 ?unitr1 // => [i _|].
  by rewrite mxE uC ?eqxx.
by apply/is_trig_mxP => i j ij; rewrite mxE uC ?(ltnW ij) // -val_eqE gtn_eqF.
Qed.

(* Columns that are orthogonal, of positive lengths. *)
Definition orthogonal m k (B : 'M[R]_(m, k)) (b : 'rV[R]_k) :=
  B^T *m B = diag_mx b /\ forall j, 0 < b 0 j.

Definition injective m k (A : 'M[R]_(m, k)) :=
  forall x : 'cV[R]_k, A *m x = 0 -> x = 0.

Lemma gram_schmidt m k (A : 'M[R]_(m, k)) : injective A ->
  exists B : 'M[R]_(m, k), exists C : 'M[R]_k, exists b : 'rV[R]_k,
    [/\ A = B *m C, upper1 C & orthogonal B b].
Proof.
elim: k A => [|k IH] A inj.
  exists A, 1%:M, 0; split; [by rewrite mulmx1 | exact: upper1_1 |].
  by split=> [|[]//]; apply/matrixP=> -[].
rewrite -[k.+1]/(1 + k)%N in A inj *.
pose a := lsubmx A; pose A' := rsubmx A.
have AE : A = row_mx a A' by rewrite hsubmxK.
pose d := (a^T *m a) 0 0; have aa : a^T *m a = d%:M.
  by apply: mx11E; rewrite [RHS]mxE eqxx mulr1n.
have d_gt0 : 0 < d.
  have -> : d = quad 1%:M a by rewrite /quad mulmx1.
  rewrite lt_neqAle quad1_ge0 andbT eq_sym; apply/eqP=> /quad1_eq0 a0.
  have /inj/eqP : A *m col_mx 1%:M (0 : 'cV_k) = 0.
    by rewrite AE mul_row_col mulmx0 mulmx1 a0 addr0.
  by rewrite col_mx_eq0 -[1%:M]/(1 : 'M_1) oner_eq0.
pose c := d^-1 *: (a^T *m A'); pose A2 := A' - a *m c.
have aA2 : a^T *m A2 = 0.
  rewrite mulmxBr mulmxA aa mul_scalar_mx /c scalerA divff ?gt_eqF //.
  by rewrite scale1r subrr.
have inj2 : injective A2.
  move=> x A2x; have /inj/eqP : A *m col_mx (- (c *m x)) x = 0.
    rewrite AE mul_row_col mulmxN mulmxA addrC -mulmxBl.
    by rewrite -A2x.
  by rewrite col_mx_eq0 => /andP[_ /eqP].
have [B2 [C2 [b2 [A2E uC2 [oB2 b2_gt0]]]]] := IH _ inj2.
have aB2 : a^T *m B2 = 0.
  by rewrite -[B2](mulmxK (upper1_unit uC2)) -A2E mulmxA aA2 mul0mx.
exists (row_mx a B2), (block_mx 1%:M c 0 C2), (row_mx d%:M b2); split.
- by rewrite mul_row_block mulmx1 mulmx0 addr0 -A2E addrC subrK.
- move=> i j; rewrite -[in (_ <= _)%N]/(nat_of_ord i).
  case: (split_ordP i) => i' ->; case: (split_ordP j) => j' ->.
  + by rewrite block_mxEul mxE !ord1 !eqxx.
  + by rewrite /= ord1 /= add1n ltn0.
  + by rewrite block_mxEdl mxE eq_rlshift.
  + by rewrite block_mxEdr eq_rshift /= leq_add2l; apply: uC2.
split=> [|j].
  rewrite tr_row_mx mul_col_row aa aB2 oB2.
  have -> : B2^T *m a = 0 by rewrite -[LHS]trmxK trmx_mul trmxK aB2 trmx0.
  rewrite diag_mx_row; congr block_mx.
  by apply: mx11E; rewrite !mxE.
rewrite mxE; case: splitP => j' _; last exact: b2_gt0.
by rewrite ord1 mxE eqxx mulr1n.
Qed.

(* A matrix is longer than its restriction to the span of B. *)
Lemma normF_restrict m n k (W : 'M[R]_(m, n)) (B : 'M[R]_(n, k)) b :
  orthogonal B b ->
  \tr (W *m B *m diag_mx (map_mx GRing.inv b) *m (W *m B)^T) <= normF W.
Proof.
case=> BB b_gt0; set N := diag_mx _; pose P := B *m N *m B^T.
have bN : N *m diag_mx b *m N = N.
  rewrite !mulmx_diag; congr diag_mx; apply/rowP=> j; rewrite !mxE.
  by rewrite mulVf ?mul1r // gt_eqF.
have PT : P^T = P by rewrite /P !trmx_mul trmxK tr_diag_mx mulmxA.
have PP : P *m P = P.
  rewrite /P !mulmxA -(mulmxA (B *m N)) BB.
  by rewrite -[in RHS]bN !mulmxA.
have -> : W *m B *m N *m (W *m B)^T = W *m P *m W^T.
  by rewrite trmx_mul /P !mulmxA.
move: P PT PP => {}P PT PP; rewrite -subr_ge0; have := normF_ge0 (W - W *m P).
rewrite /normF [(_ - _)^T]raddfB /= trmx_mul PT mulmxBl !mulmxBr !mulmxA.
by rewrite -(mulmxA W P P) PP subrr subr0 raddfB.
Qed.

(* One layer. *)
Lemma normF_layer m n k (W : 'M[R]_(m, n)) (B : 'M[R]_(n, k)) b
    (B' : 'M[R]_(m, k)) b' C :
  orthogonal B b -> orthogonal B' b' -> upper1 C -> W *m B = B' *m C ->
  \sum_j b' 0 j / b 0 j <= normF W.
Proof.
move=> oB [BB' b'_gt0] uC WB; have b_gt0 := proj2 oB.
apply: le_trans (normF_restrict W oB); rewrite WB trmx_mul.
rewrite [leRHS](_ : _ = \sum_j \sum_l b' 0 j * C j l ^+ 2 / b 0 l).
  apply: ler_sum => j _; rewrite (bigD1 j) //= uC // eqxx expr1n mulr1.
  rewrite ler_addl sumr_ge0 // => l _.
  apply: divr_ge0; last exact: ltW.
  by rewrite mulr_ge0 ?sqr_ge0 ?(ltW (b'_gt0 _)).
have -> : \tr (B' *m C *m diag_mx (map_mx GRing.inv b) *m (C^T *m B'^T)) =
    \tr (diag_mx b' *m (C *m diag_mx (map_mx GRing.inv b) *m C^T)).
  by rewrite mulmxA [LHS]mxtrace_mulC -BB' !mulmxA.
rewrite mul_diag_mx mul_mx_diag /mxtrace; apply: eq_bigr => j _.
rewrite !mxE mulr_sumr; apply: eq_bigr => l _; rewrite !mxE.
by rewrite expr2 !mulrA [LHS]mulrAC.
Qed.

Variables (d : nat -> nat) (W : forall m, 'M[R]_(d m.+1, d m)).

(* All layers below L. *)
Lemma flag_through L k (V : 'M[R]_(d 0, k)) : V^T *m V = 1%:M ->
  injective (below W L *m V) ->
  exists r : nat -> 'I_k -> R, exists B : 'M[R]_(d L, k), exists C : 'M[R]_k,
    [/\ below W L *m V = B *m C, upper1 C,
        B^T *m B = diag_mx (\row_j \prod_(i < L) r i j),
        forall i j, 0 < r i j &
        forall i, (i < L)%N -> \sum_j r i j <= normF (W i)].
Proof.
move=> VV; elim: L => [|L IH] inj.
  exists (fun _ _ => 1), V, 1%:M; split=> //.
  - by rewrite mul1mx mulmx1.
  - exact: upper1_1.
  - rewrite VV -diag_const_mx; congr diag_mx; apply/rowP=> j.
    by rewrite !mxE big_ord0.
  - by move=> *; exact: ltr01.
have /IH[r [B [C [AE uC BB r_gt0 r_le]]]] : injective (below W L *m V).
  by move=> x Ax; apply: inj; rewrite /= -!mulmxA (mulmxA _ V) Ax mulmx0.
have injB : injective (W L *m B).
  move=> x WBx; have [y xE] : exists y, x = C *m y.
    by exists (invmx C *m x); rewrite mulKVmx // upper1_unit.
  rewrite xE; suff -> : y = 0 by rewrite mulmx0.
  by apply: inj; rewrite /= -(mulmxA (W L)) AE !mulmxA -mulmxA -xE.
have [B' [C' [b' [WBE uC' oB']]]] := gram_schmidt injB.
pose p j := \prod_(i < L) r i j.
have p_gt0 j : 0 < p j by apply: prodr_gt0.
pose r' i j := if i == L then b' 0 j / p j else r i j.
exists r', B', (C' *m C); split.
- by rewrite /= -mulmxA AE !mulmxA WBE.
- exact: upper1_mul.
- rewrite (proj1 oB'); congr diag_mx; apply/rowP=> j; rewrite mxE big_ord_recr.
  rewrite /r' eqxx /= (eq_bigr (fun i : 'I_L => r i j)) => [|i _].
    by rewrite mulrC divfK // gt_eqF.
  by rewrite ltn_eqF.
- move=> i j; rewrite /r'; case: eqP => // _.
  by rewrite divr_gt0 // (proj2 oB').
move=> i; rewrite ltnS leq_eqVlt /r' => /orP[/eqP->|iL].
  rewrite eqxx; have oB : orthogonal B (\row_j p j).
    by split=> // j; rewrite mxE.
  have := normF_layer oB oB' uC' WBE; apply: le_trans.
  by apply: ler_sum => j _; rewrite mxE.
by rewrite ltn_eqF //; apply: r_le.
Qed.

(* Orthogonal columns have only the trivial triangular factor. *)
Lemma triangular_diagonal k (C : 'M[R]_k) (a b : 'rV[R]_k) : upper1 C ->
  (forall j, b 0 j != 0) -> C^T *m diag_mx b *m C = diag_mx a -> a = b.
Proof.
move=> uC b0 E.
have entry i j : (diag_mx a) i j = \sum_l C l i * b 0 l * C l j.
  rewrite -E mxE; apply: eq_bigr => l _; rewrite mul_mx_diag !mxE //.
have off n : forall l j : 'I_k, (l < n)%N -> (l < j)%N -> C l j = 0.
  elim: n => // n IH l j; rewrite ltnS => ln lj.
  have := entry l j; rewrite mxE -val_eqE ltn_eqF // mulr0n (bigD1 l) //=.
  rewrite big1 => [|m ml].
    rewrite addr0 uC // eqxx mul1r => /esym/eqP.
    by rewrite mulf_eq0 (negbTE (b0 l)) => /eqP.
  case: (ltngtP m l) => [m_lt|m_gt|/val_inj e]; last by rewrite e eqxx in ml.
    by rewrite (IH m l (leq_trans m_lt ln) m_lt) !mul0r.
  by rewrite uC ?(ltnW m_gt) // (negbTE ml) !mul0r.
apply/rowP=> j; have := entry j j; rewrite mxE eqxx mulr1n => ->.
rewrite (bigD1 j) //= big1 => [|l lj].
  by rewrite uC // eqxx mul1r mulr1 addr0.
case: (ltngtP l j) => [l_lt|l_gt|/val_inj e]; last by rewrite e eqxx in lj.
  by rewrite (off l.+1) ?mul0r.
by rewrite uC ?(ltnW l_gt) // (negbTE lj) !mul0r.
Qed.

(* The arithmetic and geometric mean of L numbers. *)
Lemma means L (E : nat -> R) q : (0 < L)%N -> 0 <= q ->
  (forall i, (i < L)%N -> 0 <= E i) -> q ^+ L = \prod_(i < L) E i ->
  L%:R * q <= \sum_(i < L) E i.
Proof.
move=> L_gt0 q0 E0 qE; rewrite mulrC -ler_pdivl_mulr ?ltr0n //.
have S0 : 0 <= \sum_(i < L) E i by apply: sumr_ge0 => i _; apply: E0.
rewrite -(ler_pexpn2r L_gt0) ?nnegrE ?divr_ge0 ?ler0n //.
have := @leif_AGM _ _ [pred _ : 'I_L | true] (fun i : 'I_L => E i).
by rewrite card_ord qE => -[] // i _; apply: E0.
Qed.

(* NC-01, the lower bound. *)
Theorem regularisation_bound L k (U : 'M[R]_(d L, k)) (V : 'M[R]_(d 0, k))
    (s q : 'rV[R]_k) (lam : nat -> R) :
  (0 < L)%N -> (forall i, (i < L)%N -> 0 < lam i) ->
  U^T *m U = 1%:M -> V^T *m V = 1%:M -> (forall j, 0 < s 0 j) ->
  below W L = U *m diag_mx s *m V^T ->
  (forall j, 0 <= q 0 j) ->
  (forall j, q 0 j ^+ L = (\prod_(i < L) lam i) * s 0 j ^+ 2) ->
  L%:R * (\sum_j q 0 j) <= \sum_(i < L) lam i * normF (W i).
Proof.
move=> L_gt0 lam_gt0 UU VV s_gt0 XE q0 qE.
have XV : below W L *m V = U *m diag_mx s.
  by rewrite XE -(mulmxA _ V^T) VV mulmx1.
have SS : (U *m diag_mx s)^T *m (U *m diag_mx s) = diag_mx (\row_j s 0 j ^+ 2).
  rewrite trmx_mul tr_diag_mx mulmxA -(mulmxA (diag_mx s)) UU mulmx1 mulmx_diag.
  by congr diag_mx; apply/rowP=> j; rewrite !mxE expr2.
have inj : injective (below W L *m V).
  move=> x; rewrite XV => Ux.
  have : diag_mx (\row_j s 0 j ^+ 2) *m x = 0.
    by rewrite -SS -[LHS]mulmxA Ux mulmx0.
  rewrite mul_diag_mx => /matrixP e; apply/matrixP=> i j; have := e i j.
  by rewrite !mxE => /eqP; rewrite mulf_eq0 expf_eq0 gt_eqF //= => /eqP.
have [r [B [C [AE uC BB r_gt0 r_le]]]] := flag_through VV inj.
have p_neq0 j : (\row_j \prod_(i < L) r i j) 0 j != 0.
  by rewrite mxE prodf_seq_neq0; apply/allP=> i _; rewrite gt_eqF.
have sE : \row_j s 0 j ^+ 2 = \row_j \prod_(i < L) r i j.
  apply: (triangular_diagonal uC) => //.
  by rewrite -BB -SS -XV AE trmx_mul !mulmxA.
apply: (@le_trans _ _ (\sum_(i < L) lam i * \sum_j r i j)); last first.
  by apply: ler_sum => i _; rewrite ler_pmul2l ?lam_gt0 ?r_le.
rewrite (eq_bigr (fun i : 'I_L => \sum_j lam i * r i j)); last first.
  by move=> i _; rewrite mulr_sumr.
rewrite exchange_big mulr_sumr /=; apply: ler_sum => j _.
apply: (means (E := fun i => lam i * r i j)) => // [i iL|].
  by rewrite mulr_ge0 ?ltW ?lam_gt0.
by rewrite qE big_split /=; have /rowP/(_ j) := sE; rewrite !mxE => ->.
Qed.

End Flag.

(* The hypotheses can be met at every depth: L factors 2 of size 1 x 1.      *)
Example bound_instance (R : realFieldType) L :
  let d := fun _ : nat => 1%N in
  let W := fun _ : nat => (2%:R%:M : 'M[R]_1) in
  [/\ forall i, (i < L)%N -> 0 < (1 : R),
      (1%:M : 'M[R]_1)^T *m 1%:M = 1%:M,
      forall j : 'I_1, 0 < (const_mx (2%:R ^+ L) : 'rV[R]_1) 0 j,
      @below R d W L = 1%:M *m diag_mx (const_mx (2%:R ^+ L)) *m 1%:M^T
    & forall j : 'I_1, 0 <= (const_mx 4%:R : 'rV[R]_1) 0 j /\
        (const_mx 4%:R : 'rV[R]_1) 0 j ^+ L =
        (\prod_(i < L) 1) * (const_mx (2%:R ^+ L) : 'rV[R]_1) 0 j ^+ 2].
Proof.
split=> [i _|||| j].
- exact: ltr01.
- by rewrite trmx1 mulmx1.
- by move=> j; rewrite mxE exprn_gt0 // ltr0n.
- rewrite mul1mx trmx1 mulmx1 diag_const_mx.
  elim: L => [|L IH]; first by rewrite expr0.
  by rewrite /= IH -scalar_mxM exprS.
rewrite !mxE ler0n; split=> //.
by rewrite big1 // mul1r [RHS]exprAC; congr (_ ^+ _); rewrite -natrX.
Qed.
