(* No claim: a model of independent variables with the moments of standard   *)
(* Gaussians up to the fourth, over any real field. It shows that the        *)
(* hypotheses of expected_loss (ICL-2) can be met.                           *)
(*                                                                           *)
(* Each coordinate j of a finite J is drawn uniformly from twelve atoms with *)
(* values 2, -2, 1, 1, -1, -1, 0, ..., 0, all independent.                   *)
(*                                                                           *)
(*     rv R J == the functions of the coordinates, a commutative R-algebra   *)
(*     average == the expectation                                            *)
(*  coordinate j == the value of coordinate j                                *)
(*  depends D f == f depends only on the coordinates in D                    *)

From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp Require Import ring.
From SolvableAlgebra Require Import expectation.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Algebra.

Variables (R : realFieldType) (J : finType).

Definition outcome := {ffun J -> 'I_12}.
Definition rv := {ffun outcome -> R^o}.

Canonical rv_eqType := [eqType of rv].
Canonical rv_choiceType := [choiceType of rv].
Canonical rv_zmodType := [zmodType of rv].
Canonical rv_lmodType := [lmodType R of rv].

Definition rv_one : rv := [ffun=> 1].
Definition rv_mul (f g : rv) : rv := [ffun o => (f o : R) * g o].

Fact rv_mulA : associative rv_mul.
Proof. by move=> f g h; apply/ffunP=> o; rewrite !ffunE mulrA. Qed.

Fact rv_mulC : commutative rv_mul.
Proof. by move=> f g; apply/ffunP=> o; rewrite !ffunE mulrC. Qed.

Fact rv_mul1 : left_id rv_one rv_mul.
Proof. by move=> f; apply/ffunP=> o; rewrite !ffunE mul1r. Qed.

Fact rv_mulDl : left_distributive rv_mul +%R.
Proof. by move=> f g h; apply/ffunP=> o; rewrite !ffunE mulrDl. Qed.

Fact rv_nonzero : rv_one != 0.
Proof.
apply/eqP=> /ffunP/(_ [ffun=> ord0]) /eqP.
by rewrite !ffunE oner_eq0.
Qed.

Definition rv_ringMixin := ComRingMixin rv_mulA rv_mulC rv_mul1 rv_mulDl rv_nonzero.
Canonical rv_ringType := RingType rv rv_ringMixin.
Canonical rv_comRingType := ComRingType rv rv_mulC.

Fact rv_scaleAl (c : R) (f g : rv) : c *: (f * g) = (c *: f) * g.
Proof. by apply/ffunP=> o; rewrite !ffunE /GRing.scale /= mulrA. Qed.

Canonical rv_lalgType := LalgType R rv rv_scaleAl.
Canonical rv_algType := CommAlgType R rv.
Canonical rv_comAlgType := [comAlgType R of rv].

Lemma rvM (f g : rv) o : (f * g) o = (f o : R) * g o.
Proof. by rewrite [LHS]ffunE. Qed.

Lemma rvD (f g : rv) o : (f + g) o = (f o : R) + g o.
Proof. by rewrite [LHS]ffunE. Qed.

Lemma rvZ (c : R) (f : rv) o : (c *: f) o = c * (f o : R).
Proof. by rewrite [LHS]ffunE. Qed.

Lemma rv1 o : (1 : rv) o = 1 :> R.
Proof. by rewrite [LHS]ffunE. Qed.

End Algebra.

Section Average.

Variables (R : realFieldType) (J : finType).
Local Notation rv := (rv R J).
Local Notation outcome := (outcome J).
Implicit Types (f g : rv) (o : outcome) (D : pred J).

Let size : R := #|{: outcome}|%:R.

Let size_neq0 : size != 0.
Proof.
rewrite /size pnatr_eq0 -lt0n; apply/card_gt0P.
by exists [ffun=> ord0].
Qed.

Definition average_of f : R := size^-1 * \sum_o f o.

Fact average_scalar : scalar average_of.
Proof.
move=> c f g; rewrite /average_of.
have -> : \sum_o (c *: f + g) o = c * (\sum_o f o) + \sum_o g o :> R.
  by rewrite mulr_sumr -big_split /=; apply: eq_bigr => o _; rewrite rvD rvZ.
by rewrite mulrDr mulrCA.
Qed.

Definition average : {scalar rv} := Linear average_scalar.

Lemma average_expectation : expectation average.
Proof.
split=> [|f]; rewrite /average /= /average_of.
  rewrite (eq_bigr (fun=> 1)) => [|o _]; last by rewrite rv1.
  by rewrite sumr_const mulVf.
rewrite mulr_ge0 ?invr_ge0 ?ler0n //; apply: sumr_ge0 => o _.
by rewrite expr2 rvM -expr2 sqr_ge0.
Qed.

Definition depends D f := forall o o', (forall j, D j -> o j = o' j) -> f o = f o'.

Lemma polynomial_depends D (V : rv -> Prop) f : polynomial_in V f ->
  (forall v, V v -> depends D v) -> depends D f.
Proof.
move=> Vf VD o o' oo'; elim: Vf => [v /VD Dv|c|g h _ gE _ hE|g h _ gE _ hE].
- exact: Dv.
- by rewrite !rvZ !rv1.
- by rewrite !rvD gE hE.
by rewrite !rvM gE hE.
Qed.

(* Functions of different coordinates are independent: exchange the         *)
(* coordinates in D of two independent outcomes.                             *)
Lemma average_mul D f g : depends D f -> depends (predC D) g ->
  average (f * g) = average f * average g.
Proof.
move=> Df Dg; rewrite /average /= /average_of.
pose mix (o o' : outcome) : outcome := [ffun j => if D j then o j else o' j].
pose exchange (p : outcome * outcome) := (mix p.1 p.2, mix p.2 p.1).
have exchangeK : involutive exchange.
  case=> o o'; rewrite /exchange /=; congr (_, _); apply/ffunP=> j;
  by rewrite !ffunE; case: (D j).
have -> : size^-1 * (\sum_o f o : R) * (size^-1 * \sum_o g o) =
    size^-1 * (size^-1 * \sum_o \sum_o' ((f o : R) * g o')).
  have -> : \sum_o \sum_o' ((f o : R) * g o') = (\sum_o f o) * \sum_o g o :> R.
    by rewrite mulr_suml; apply: eq_bigr => o _; rewrite mulr_sumr.
  by move: (\sum_o f o : R) (\sum_o g o : R) => x y; ring.
congr (_ * _); rewrite pair_bigA /= (reindex_inj (inv_inj exchangeK)) /=.
rewrite (eq_bigr (fun p : outcome * outcome => (f * g) p.1 : R)); last first.
  case=> o o' _ /=; rewrite rvM; congr (_ * _).
    by apply: Df => j Dj; rewrite ffunE Dj.
  by apply: Dg => j Dj; rewrite ffunE (negbTE (Dj : ~~ D j)).
rewrite -(pair_bigA _ (fun o _ => (f * g) o : R)) /=.
rewrite [in RHS](eq_bigr (fun o => size * (f * g) o)) => [|o _].
  by rewrite -mulr_sumr mulKf.
by rewrite sumr_const -mulr_natl.
Qed.

Definition atom (t : 'I_12) : R := nth 0 [:: 2%:R; - 2%:R; 1; 1; -1; -1] t.

Definition coordinate j : rv := [ffun o : outcome => atom (o j)].

Lemma coordinate_depends D j : D j -> depends D (coordinate j).
Proof. by move=> Dj o o' oo'; rewrite !ffunE oo'. Qed.

Let average_coordinate (h : 'I_12 -> R) j :
  average [ffun o : outcome => h (o j)] = 12%:R^-1 * \sum_t h t.
Proof.
pose P : R := \prod_(i | i != j) 12%:R.
have fibre (k : 'I_12 -> R) : \sum_(o : outcome) k (o j) = P * \sum_t k t.
  transitivity (\sum_(o : outcome) \prod_i (if i == j then k (o i) else 1)).
    by apply: eq_bigr => o _; rewrite -big_mkcond big_pred1_eq.
  rewrite -(bigA_distr_bigA (fun i t => if i == j then k t else 1)).
  rewrite (bigD1 j) //= eqxx mulrC; congr (_ * _); apply: eq_bigr => i /negbTE ->.
  by rewrite sumr_const card_ord.
have P12 : size = P * 12%:R.
  have := fibre (fun=> 1); rewrite !sumr_const card_ord => <-.
  by rewrite /size.
have P0 : P != 0.
  by apply: contraTneq size_neq0 => P0; rewrite P12 P0 mul0r eqxx.
rewrite /average /= /average_of (eq_bigr (fun o : outcome => h (o j))).
  rewrite fibre P12; move: (\sum_t h t) => x.
  have : 12%:R != 0 :> R by rewrite pnatr_eq0.
  by move: (12%:R : R) => y y0; field; rewrite y0 P0.
by move=> o _; rewrite ffunE.
Qed.

Lemma coordinate_mean j : average (coordinate j) = 0.
Proof.
by rewrite (average_coordinate atom) !big_ord_recl big_ord0 /atom /=; ring.
Qed.

Lemma coordinate_square j : average (coordinate j * coordinate j) = 1.
Proof.
have -> : coordinate j * coordinate j = [ffun o : outcome => atom (o j) * atom (o j)].
  by apply/ffunP=> o; rewrite rvM !ffunE.
rewrite (average_coordinate (fun t => atom t * atom t)) !big_ord_recl big_ord0.
by rewrite /atom /=; field.
Qed.

Lemma coordinate_fourth j :
  average (coordinate j * coordinate j * (coordinate j * coordinate j)) = 3%:R.
Proof.
have -> : coordinate j * coordinate j * (coordinate j * coordinate j) =
    [ffun o : outcome => atom (o j) * atom (o j) * (atom (o j) * atom (o j))].
  by apply/ffunP=> o; rewrite !rvM !ffunE.
rewrite (average_coordinate (fun t => atom t * atom t * (atom t * atom t))).
by rewrite !big_ord_recl big_ord0 /atom /=; field.
Qed.

(* --- Wick's formula ------------------------------------------------------- *)

Lemma lonely i j k l : i != j -> i != k -> i != l ->
  average (coordinate i * (coordinate j * (coordinate k * coordinate l))) = 0.
Proof.
move=> ij ik il; rewrite (@average_mul (pred1 i)).
- by rewrite coordinate_mean mul0r.
- by apply: coordinate_depends => /=.
move=> o o' oo'; rewrite !rvM.
by rewrite !(@coordinate_depends (predC (pred1 i)) _ _ o o') //= eq_sym.
Qed.

Lemma coordinate_pair i j : average (coordinate i * coordinate j) = (i == j)%:R.
Proof.
have [<-|ij] := eqVneq i j; first exact: coordinate_square.
rewrite (@average_mul (pred1 i)) ?coordinate_mean ?mul0r //.
  by apply: coordinate_depends => /=.
by apply: coordinate_depends; rewrite /= eq_sym.
Qed.

Let wick_pair i k l :
  average (coordinate i * coordinate i * (coordinate k * coordinate l)) =
  (k == l)%:R + ((i == k)%:R * (i == l)%:R) *+ 2.
Proof.
have [<-|kl] := eqVneq k l.
  have [<-|ik] := eqVneq i k; first by rewrite coordinate_fourth /=; ring.
  rewrite (@average_mul (pred1 i)) ?coordinate_square /=; first by ring.
    by move=> o o' oo'; rewrite !rvM !(coordinate_depends _ oo') /=.
  by move=> o o' oo'; rewrite !rvM !(coordinate_depends _ oo') //= eq_sym.
have [ik|ik] := eqVneq i k.
  have -> : i == l = false by rewrite ik; apply/negbTE.
  have -> : coordinate i * coordinate i * (coordinate k * coordinate l) =
    coordinate l * (coordinate i * (coordinate i * coordinate k)) by ring.
  by rewrite lonely /= ?[l == _]eq_sym ?ik //; ring.
have -> : coordinate i * coordinate i * (coordinate k * coordinate l) =
  coordinate k * (coordinate i * (coordinate i * coordinate l)) by ring.
by rewrite lonely /= ?[k == i]eq_sym //; ring.
Qed.

Lemma coordinate_wick i j k l :
  average (coordinate i * coordinate j * (coordinate k * coordinate l)) =
  (i == j)%:R * (k == l)%:R + (i == k)%:R * (j == l)%:R + (i == l)%:R * (j == k)%:R.
Proof.
have [<-|ij] := eqVneq i j; first by rewrite wick_pair /= mulr2n; ring.
have [<-|ik] := eqVneq i k.
  rewrite mulrACA wick_pair (negbTE ij) [j == i]eq_sym (negbTE ij) /=.
  by rewrite mulr2n; ring.
have [<-|il] := eqVneq i l.
  rewrite [coordinate k * _]mulrC mulrACA wick_pair (negbTE ij) /=.
  by rewrite mulr2n; ring.
by rewrite -mulrA lonely //=; ring.
Qed.

(* --- linear combinations -------------------------------------------------- *)

Section Combinations.

Variables (d : nat) (c : 'I_d -> J) (F : 'M[R]_d).
Hypothesis c_inj : injective c.

Definition combination a : rv := \sum_p F a p *: coordinate (c p).

Local Notation x := combination.
Local Notation L := (F *m F^T).

Lemma combination_depends D a : (forall p, D (c p)) -> depends D (x a).
Proof.
move=> Dc o o' oo'; rewrite !sum_ffunE; apply: eq_bigr => p _; rewrite !rvZ.
by rewrite (coordinate_depends (Dc p) oo').
Qed.

Lemma combination_mean a : average (x a) = 0.
Proof.
rewrite Esum big1 // => p _.
by rewrite EZ coordinate_mean mulr0.
Qed.

Let pick (h : 'I_d -> R) p : \sum_q h q * (p == q)%:R = h p.
Proof.
rewrite (bigD1 p) //= eqxx mulr1 big1 ?addr0 // => q.
by rewrite eq_sym => /negbTE ->; rewrite mulr0.
Qed.

Let LE a b : \sum_p F a p * F b p = L a b.
Proof. by rewrite mxE; apply: eq_bigr => p _; rewrite [F^T _ _]mxE. Qed.

Let z p := coordinate (c p).

Let peel a (g : rv) : average (x a * g) = \sum_p F a p * average (z p * g).
Proof.
by rewrite mulr_suml Esum; apply: eq_bigr => p _; rewrite -scalerAl EZ.
Qed.

Lemma combination_pair a b : average (x a * x b) = L a b.
Proof.
rewrite -LE peel; apply: eq_bigr => p _; congr (_ * _).
rewrite [z p * _]mulrC peel -[RHS]pick; apply: eq_bigr => q _; congr (_ * _).
by rewrite mulrC coordinate_pair (inj_eq c_inj).
Qed.

Lemma combination_wick a b e h : average (x a * x b * (x e * x h)) =
  L a b * L e h + L a e * L b h + L a h * L b e.
Proof.
have expand : average (x a * x b * (x e * x h)) =
    \sum_p F a p * \sum_q F b q * \sum_r F e r * \sum_s F h s *
      ((p == q)%:R * (r == s)%:R + (p == r)%:R * (q == s)%:R
       + (q == r)%:R * (p == s)%:R).
  rewrite -mulrA peel; apply: eq_bigr => p _; congr (_ * _).
  rewrite [z p * _]mulrCA peel; apply: eq_bigr => q _; congr (_ * _).
  have -> : z q * (z p * (x e * x h)) = x e * (z q * (z p * x h)) by ring.
  rewrite peel; apply: eq_bigr => r _; congr (_ * _).
  have -> : z r * (z q * (z p * x h)) = x h * (z p * z q * z r) by ring.
  rewrite peel; apply: eq_bigr => s _; congr (_ * _).
  have -> : z s * (z p * z q * z r) = z p * z q * (z r * z s) by ring.
  by rewrite coordinate_wick !(inj_eq c_inj); congr (_ + _); rewrite mulrC.
have step3 p q r : \sum_s F h s * ((p == q)%:R * (r == s)%:R
    + (p == r)%:R * (q == s)%:R + (q == r)%:R * (p == s)%:R) =
    (p == q)%:R * F h r + (p == r)%:R * F h q + (q == r)%:R * F h p.
  rewrite -[in RHS](pick (F h) p) -[in RHS](pick (F h) q) -[in RHS](pick (F h) r).
  by rewrite !mulr_sumr -!big_split; apply: eq_bigr => s _ /=; ring.
rewrite expand.
have step2 p q : \sum_r F e r * ((p == q)%:R * F h r + (p == r)%:R * F h q
    + (q == r)%:R * F h p) = (p == q)%:R * L e h + F e p * F h q + F e q * F h p.
  rewrite -LE -(pick (F e) p) -(pick (F e) q).
  rewrite !(mulr_sumr, mulr_suml) -!big_split; apply: eq_bigr => s _ /=.
  by ring.
have step1 p : \sum_q F b q * ((p == q)%:R * L e h + F e p * F h q + F e q * F h p)
    = F b p * L e h + F e p * L b h + L b e * F h p.
  rewrite -!(LE b) -[in RHS](pick (F b) p).
  rewrite !(mulr_sumr, mulr_suml) -!big_split; apply: eq_bigr => s _ /=.
  by ring.
transitivity (\sum_p F a p * (F b p * L e h + F e p * L b h + L b e * F h p)).
  apply: eq_bigr => p _; congr (_ * _); rewrite -step1; apply: eq_bigr => q _.
  congr (_ * _); rewrite -step2; apply: eq_bigr => r _.
  by rewrite step3.
rewrite -!(LE a) !(mulr_sumr, mulr_suml) -!big_split; apply: eq_bigr => p _ /=.
by ring.
Qed.

End Combinations.

End Average.
