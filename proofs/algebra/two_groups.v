(* Claim NC-02: the targets with a free bias. Their Gram matrix is           *)
(* D - n n^T / N; its characteristic polynomial (secular equation) for any   *)
(* class sizes; and the spectrum for two groups of classes, with its trace.  *)
(* NC-08 reads the collapse thresholds off this spectrum.                    *)
(*                                                                           *)
(*  onehot y    == K x N matrix of the labels y                              *)
(*  class_size y == row of the class sizes                                   *)
(*  downdate n N == diag(n) - n^T n / N, for any row n and scalar N          *)
(*  two_sizes kA kB nA nB == kA entries nA, then kB entries nB               *)

From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp Require Import ring.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

(* det (diag a + u v) for a column u and a row v, over any commutative ring. *)
Lemma det_diag_rank_one (R : comRingType) n (a : 'rV[R]_n) (u : 'cV[R]_n)
    (v : 'rV[R]_n) :
  \det (diag_mx a + u *m v) =
  \prod_i a 0 i + \sum_i u i 0 * v 0 i * \prod_(j | j != i) a 0 j.
Proof.
elim: n a u v => [|n IH] a u v; first by rewrite det_mx00 !big_ord0 addr0.
rewrite -[n.+1]/(1 + n)%N in a u v *.
pose a' := rsubmx a; pose u' := dsubmx u; pose v' := rsubmx v.
pose a0 := a 0 0; pose u0 := u 0 0; pose v0 := v 0 0.
have aE : a = row_mx a0%:M a'.
  by rewrite -[LHS]hsubmxK; congr row_mx; apply/rowP=> i; rewrite !mxE !ord1 !lshift0.
have uE : u = col_mx u0%:M u'.
  by rewrite -[LHS]vsubmxK; congr col_mx; apply/colP=> i; rewrite !mxE !ord1 !lshift0.
have vE : v = row_mx v0%:M v'.
  by rewrite -[LHS]hsubmxK; congr row_mx; apply/rowP=> i; rewrite !mxE !ord1 !lshift0.
pose low : 'M_(n, 1 + n) := row_mx (v0 *: u') (diag_mx a' + u' *m v').
have lowE : diag_mx a + u *m v =
    col_mx (a0 *: row_mx 1%:M 0 + u0 *: row_mx v0%:M v') low.
  rewrite {1}aE {1}uE {1}vE diag_mx_row mul_col_row add_block_mx /low.
  rewrite block_mxEv !add0r !scale_row_mx add_row_mx scaler0 add0r.
  rewrite !mul_mx_scalar mul_scalar_mx; congr (col_mx (row_mx _ _) _).
  by apply/matrixP=> i j; rewrite !ord1 !mxE !mulr1n mulr1 mulrC.
rewrite lowE (@determinant_multilinear _ _ _ (col_mx (row_mx 1%:M 0) low)
  (col_mx (row_mx v0%:M v') low) 0 a0 u0); last 3 first.
- by apply/rowP=> j; rewrite !mxE; case: splitP => // i _; rewrite !mxE !ord1.
- apply/matrixP=> i j; rewrite !mxE; case: splitP => // k.
  by rewrite ord1.
- apply/matrixP=> i j; rewrite !mxE; case: splitP => // k.
  by rewrite ord1.
rewrite -!block_mxEv det_lblock det1 mul1r IH.
have -> : block_mx v0%:M v' (v0 *: u') (diag_mx a' + u' *m v') =
    block_mx 1%:M 0 u' 1%:M *m block_mx v0%:M v' 0 (diag_mx a').
  by rewrite mulmx_block !(mul1mx, mul0mx, mulmx0, addr0) mul_mx_scalar addrC.
rewrite det_mulmx det_lblock det_ublock !det1 !mul1r det_scalar1 det_diag.
have a'E i : a' 0 i = a 0 (lift 0 i) by rewrite mxE rshift1.
have u'E i : u' i 0 = u (lift 0 i) 0 by rewrite mxE rshift1.
have v'E i : v' 0 i = v 0 (lift 0 i) by rewrite mxE rshift1.
rewrite !big_ord_recl -/a0 -/u0 -/v0.
have -> : \prod_(j | j != ord0) a 0 j = \prod_i a' 0 i.
  rewrite big_mkcond big_ord_recl /= mul1r.
  by apply: eq_bigr => i _; rewrite a'E.
have -> : \prod_i a 0 (lift ord0 i) = \prod_i a' 0 i.
  by apply: eq_bigr => i _; rewrite a'E.
have -> : \sum_i u (lift ord0 i) 0 * v 0 (lift ord0 i) *
      \prod_(j | j != lift ord0 i) a 0 j =
    a0 * \sum_i u' i 0 * v' 0 i * \prod_(j | j != i) a' 0 j.
  rewrite mulr_sumr; apply: eq_bigr => i _; rewrite u'E v'E mulrCA; congr (_ * _).
  rewrite big_mkcond big_ord_recl /= -/a0 [in RHS]big_mkcond; congr (_ * _).
  by apply: eq_bigr => k _; rewrite a'E (inj_eq lift_inj).
by ring.
Qed.

(* --- the Gram matrix ------------------------------------------------------ *)

Section Targets.

Variables (R : fieldType) (K N : nat) (y : 'I_N -> 'I_K).
Hypothesis N_neq0 : N%:R != 0 :> R.

Definition onehot : 'M[R]_(K, N) := \matrix_(k, i) (y i == k)%:R.
Definition class_size : 'rV[R]_K := \row_k (#|[set i | y i == k]|)%:R.
Definition center : 'M[R]_N := 1%:M - (N%:R)^-1 *: const_mx 1.

Definition downdate K' (n : 'rV[R]_K') (tot : R) : 'M[R]_K' :=
  diag_mx n - tot^-1 *: (n^T *m n).

(* NC-02 (c): T T^T for T = Y P, the targets left by the best free bias.     *)
Theorem target_gram :
  (onehot *m center) *m (onehot *m center)^T = downdate class_size N%:R.
Proof.
have sym : center^T = center.
  by apply/matrixP=> i j; rewrite !mxE eq_sym.
have J2 : (const_mx 1 : 'M[R]_N) *m const_mx 1 = N%:R *: const_mx 1 :> 'M_N.
  apply/matrixP=> i j; rewrite !mxE (eq_bigr (fun=> 1)) => [|k _].
    by rewrite sumr_const card_ord mulr1.
  by rewrite !mxE mulr1.
have idem : center *m center = center.
  rewrite /center mulmxBl mul1mx mulmxBr mulmx1 -scalemxAl -scalemxAr J2.
  by rewrite !scalerA -mulrA mulVf // mulr1 subrr subr0.
rewrite trmx_mul sym mulmxA -[onehot *m _ *m center]mulmxA idem.
rewrite /center mulmxBr mulmx1 mulmxBl -scalemxAr -scalemxAl /downdate.
have YY : onehot *m onehot^T = diag_mx class_size.
  apply/matrixP=> k l; rewrite !mxE.
  under eq_bigr do rewrite !mxE -natrM mulnb.
  rewrite -natr_sum; have [->|kl] := eqVneq k l.
    under eq_bigr do rewrite andbb.
    by rewrite mulr1n -sum1dep_card [in RHS]big_mkcond.
  rewrite mulr0n big1 // => i _; case: eqP => //= ->.
  by rewrite (negbTE kl).
have Y1 : onehot *m const_mx 1 = class_size^T *m const_mx 1 :> 'M_(K, N).
  apply/matrixP=> k i; rewrite !mxE big_ord1 !mxE mulr1.
  under eq_bigr do rewrite !mxE mulr1.
  rewrite -natr_sum; congr (_%:R).
  by rewrite -sum1dep_card [in RHS]big_mkcond.
have Y2 : (const_mx 1 : 'rV[R]_N) *m onehot^T = class_size.
  apply/rowP=> k; rewrite !mxE.
  under eq_bigr do rewrite !mxE mul1r.
  by rewrite -natr_sum -sum1dep_card [in RHS]big_mkcond.
by rewrite YY Y1 -mulmxA Y2.
Qed.

End Targets.

(* --- the characteristic polynomial --------------------------------------- *)

Section Spectrum.

Variable R : fieldType.

(* NC-02 (c): the secular equation, for any sizes.                           *)
Theorem downdate_char_poly K (n : 'rV[R]_K) (tot : R) :
  char_poly (downdate n tot) =
  \prod_k ('X - (n 0 k)%:P)
  + (tot^-1)%:P * \sum_k (n 0 k ^+ 2)%:P * \prod_(l | l != k) ('X - (n 0 l)%:P).
Proof.
pose a : 'rV[{poly R}]_K := \row_k ('X - (n 0 k)%:P).
pose v : 'rV[{poly R}]_K := map_mx polyC n.
pose u : 'cV[{poly R}]_K := (tot^-1)%:P *: v^T.
have -> : char_poly (downdate n tot) = \det (diag_mx a + u *m v).
  congr (\det _); apply/matrixP=> i j.
  rewrite !mxE !big_ord1 !mxE raddfB /= raddfMn /= !rmorphM /=.
  by rewrite mulrnBl opprB -!mulrA; ring.
rewrite det_diag_rank_one mulr_sumr; congr (_ + _).
  by apply: eq_bigr => k _; rewrite mxE.
apply: eq_bigr => k _; rewrite !mxE expr2 polyCM -!mulrA.
by do 3 congr (_ * _); apply: eq_bigr => l _; rewrite mxE.
Qed.

Variables (kA kB : nat) (nA nB : R).

Definition two_sizes : 'rV[R]_(kA.+1 + kB.+1) :=
  row_mx (const_mx nA) (const_mx nB).

Local Notation tot := (kA.+1%:R * nA + kB.+1%:R * nB).
Local Notation K := (kA.+1 + kB.+1)%N.
Hypothesis tot_neq0 : tot != 0.

(* NC-02 (c), two groups with kA.+1 classes of size nA and kB.+1 of size nB: *)
(* eigenvalues nA (kA times), nB (kB times), K nA nB / N and 0.              *)
Theorem two_group_spectrum :
  char_poly (downdate two_sizes tot) =
  ('X - nA%:P) ^+ kA * ('X - nB%:P) ^+ kB
  * ('X - (K%:R * nA * nB / tot)%:P) * 'X.
Proof.
rewrite downdate_char_poly; pose XA := 'X - nA%:P; pose XB := 'X - nB%:P.
have sizeA i : two_sizes 0 (lshift kB.+1 i) = nA by rewrite row_mxEl mxE.
have sizeB i : two_sizes 0 (rshift kA.+1 i) = nB by rewrite row_mxEr mxE.
have prodAB : \prod_k ('X - (two_sizes 0 k)%:P) = XA ^+ kA.+1 * XB ^+ kB.+1.
  rewrite big_split_ord /=; congr (_ * _).
    under eq_bigr do rewrite sizeA.
    by rewrite prodr_const card_ord.
  under eq_bigr do rewrite sizeB.
  by rewrite prodr_const card_ord.
have restA i : \prod_(l | l != lshift kB.+1 i) ('X - (two_sizes 0 l)%:P) =
    XA ^+ kA * XB ^+ kB.+1.
  have := prodAB; rewrite (bigD1 (lshift kB.+1 i)) //= sizeA exprS -mulrA.
  by apply: mulfI; rewrite polyXsubC_eq0.
have restB i : \prod_(l | l != rshift kA.+1 i) ('X - (two_sizes 0 l)%:P) =
    XA ^+ kA.+1 * XB ^+ kB.
  have := prodAB; rewrite (bigD1 (rshift kA.+1 i)) //= sizeB [XB ^+ _]exprS mulrCA.
  by apply: mulfI; rewrite polyXsubC_eq0.
have sumA : \sum_i (two_sizes 0 (lshift kB.+1 i) ^+ 2)%:P *
      \prod_(l | l != lshift kB.+1 i) ('X - (two_sizes 0 l)%:P) =
    kA.+1%:R * ((nA ^+ 2)%:P * (XA ^+ kA * XB ^+ kB.+1)).
  rewrite (eq_bigr (fun=> (nA ^+ 2)%:P * (XA ^+ kA * XB ^+ kB.+1))).
    by rewrite sumr_const card_ord mulr_natl.
  by move=> i _; rewrite sizeA restA.
have sumB : \sum_i (two_sizes 0 (rshift kA.+1 i) ^+ 2)%:P *
      \prod_(l | l != rshift kA.+1 i) ('X - (two_sizes 0 l)%:P) =
    kB.+1%:R * ((nB ^+ 2)%:P * (XA ^+ kA.+1 * XB ^+ kB)).
  rewrite (eq_bigr (fun=> (nB ^+ 2)%:P * (XA ^+ kA.+1 * XB ^+ kB))).
    by rewrite sumr_const card_ord mulr_natl.
  by move=> i _; rewrite sizeB restB.
rewrite prodAB big_split_ord /= sumA sumB.
have natP k : (k%:R)%:P = k%:R :> {poly R} by rewrite rmorph_nat.
have cN : (tot^-1)%:P * (kA.+1%:R * nA%:P + kB.+1%:R * nB%:P) = 1 :> {poly R}.
  by rewrite -!natP -!polyCM -polyCD -polyCM mulVf.
have muE : (K%:R * nA * nB / tot)%:P =
    (tot^-1)%:P * ((kA.+1%:R + kB.+1%:R) * nA%:P * nB%:P) :> {poly R}.
  by rewrite mulrC natrD -!natP -polyCD -!polyCM.
rewrite muE !polyC_exp !exprS !expr0 !mulr1 /XA /XB.
move: cN; move: (tot^-1)%:P nA%:P nB%:P 'X (_ ^+ kA) (_ ^+ kB) => c p q x P Q.
move: (kA.+1%:R : {poly R}) (kB.+1%:R : {poly R}) => a b cN.
apply/eqP; rewrite -subr_eq0; apply/eqP.
transitivity (P * Q * ((1 - c * (a * p + b * q)) * (p * q - (p + q) * x))).
  by ring.
by rewrite cN subrr mul0r mulr0.
Qed.

(* The identity that pins the fourth eigenvalue down.                        *)
Corollary two_group_trace :
  \tr (downdate two_sizes tot) =
  kA%:R * nA + kB%:R * nB + K%:R * nA * nB / tot.
Proof.
rewrite /downdate raddfB /= mxtraceZ mxtrace_diag /mxtrace.
have sizeA i : two_sizes 0 (lshift kB.+1 i) = nA by rewrite row_mxEl mxE.
have sizeB i : two_sizes 0 (rshift kA.+1 i) = nB by rewrite row_mxEr mxE.
have -> : \sum_i two_sizes 0 i = tot.
  rewrite big_split_ord /= (eq_bigr (fun=> nA)) => [|i _]; last exact: sizeA.
  rewrite [X in _ + X](eq_bigr (fun=> nB)) => [|i _]; last exact: sizeB.
  by rewrite !sumr_const !card_ord !mulr_natl.
have -> : \sum_i (two_sizes^T *m two_sizes) i i =
          kA.+1%:R * nA ^+ 2 + kB.+1%:R * nB ^+ 2.
  have e i : (two_sizes^T *m two_sizes) i i = two_sizes 0 i ^+ 2.
    by rewrite mxE big_ord1 mxE expr2.
  rewrite (eq_bigr (fun i => two_sizes 0 i ^+ 2)) => [|i _]; last exact: e.
  rewrite big_split_ord /=.
  rewrite (eq_bigr (fun=> nA ^+ 2)) => [|i _]; last by rewrite sizeA.
  rewrite [X in _ + X](eq_bigr (fun=> nB ^+ 2)) => [|i _]; last by rewrite sizeB.
  by rewrite !sumr_const !card_ord !mulr_natl.
move: tot_neq0; rewrite natrD -!(addn1 kA) -!(addn1 kB) !natrD.
by move=> t0; field.
Qed.

End Spectrum.

(* The hypotheses can be met: any numbers of classes, any sizes.             *)
Example two_groups_instance (kA kB nA nB : nat) :
  (kA.+1%:R * nA.+1%:R + kB.+1%:R * nB.+1%:R : rat) != 0.
Proof. by rewrite -!natrM -natrD pnatr_eq0. Qed.
