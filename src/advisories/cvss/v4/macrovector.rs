//! The macrovectors: their scores, their worst vectors, and how a vector's own score is found between them.

/// The six equivalence classes that a vector falls into, the worst being 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Macrovector {
    pub(super) eq1: usize,
    pub(super) eq2: usize,
    pub(super) eq3: usize,
    pub(super) eq4: usize,
    pub(super) eq5: usize,
    pub(super) eq6: usize,
}

impl Macrovector {
    /// The score of a vector of this macrovector, of whose metrics it is told how far each is from its worst value:
    /// `AV PR UI`, `AC AT`, `VC VI VA CR IR AR` and `SC SI SA`.
    ///
    /// In each class the vector lies some part of the way down to the next lower macrovector. Its score is that
    /// of the macrovector less the mean of these parts, over the classes that have a lower one.
    pub(super) fn tenths(&self, access: &[u16], complexity: &[u16], vulnerable: &[u16], subsequent: &[u16]) -> u8 {
        let own = i64::from(self.score().unwrap_or(0));
        let ways = [
            (Macrovector { eq1: self.eq1 + 1, ..*self }.score(), EQ1.get(self.eq1), access),
            (Macrovector { eq2: self.eq2 + 1, ..*self }.score(), EQ2.get(self.eq2), complexity),
            (self.lower_in_eq3_and_eq6(), EQ3_EQ6.get(self.eq3).and_then(|levels| levels.get(self.eq6)), vulnerable),
            (Macrovector { eq4: self.eq4 + 1, ..*self }.score(), EQ4.get(self.eq4), subsequent),
            // All vectors of a class of threat are equally bad.
            (Macrovector { eq5: self.eq5 + 1, ..*self }.score(), Some(&EQ5), &[]),
        ];
        let (mut classes, mut fall) = (0, 0);
        for (lower, level, steps) in ways {
            if let (Some(lower), Some(level)) = (lower, level) {
                classes += 1;
                fall += (own - i64::from(lower)) * level.distance(steps) * (UNIT / level.depth);
            }
        }
        if classes == 0 {
            return u8::try_from(own).unwrap_or(0);
        }
        let whole = UNIT * classes;
        let rounded = (2 * (own * whole - fall) + whole).div_euclid(2 * whole);
        u8::try_from(rounded.clamp(0, 100)).unwrap_or(0)
    }

    /// EQ3 and EQ6 depend on one another and are one class; from the worst of it two ways lead down, and the one with
    /// the higher score counts.
    fn lower_in_eq3_and_eq6(&self) -> Option<u8> {
        let lower_eq3 = Macrovector { eq3: self.eq3 + 1, ..*self }.score();
        let lower_eq6 = Macrovector { eq6: self.eq6 + 1, ..*self }.score();
        match (self.eq3, self.eq6) {
            (0, 0) => lower_eq3.max(lower_eq6),
            (1, 0) => lower_eq6,
            _ => lower_eq3,
        }
    }

    /// The score that experts gave; none where there is no such macrovector.
    fn score(&self) -> Option<u8> {
        let of_impact = SCORES.get(self.eq1)?.get(self.eq2)?.get(self.eq3)?;
        of_impact.get(self.eq4)?.get(self.eq5)?.get(self.eq6).copied().filter(|&score| score != NO)
    }
}

/// What divides the depths of all levels.
const UNIT: i64 = 840;

/// One class of an equation.
struct Level {
    /// Its worst vectors, by how far each metric is from its worst value. Any vector of the class is nowhere worse than
    /// one of them.
    worst: &'static [&'static [u16]],
    /// How many steps there are from the worst to the mildest vector, and one more.
    depth: i64,
}

impl Level {
    /// How many steps a vector is from the first of the worst vectors that is nowhere milder.
    fn distance(&self, steps: &[u16]) -> i64 {
        let above = |worst: &&&[u16]| worst.iter().zip(steps).all(|(worst, step)| worst <= step);
        let sum = |steps: &[u16]| steps.iter().map(|&step| i64::from(step)).sum::<i64>();
        self.worst.iter().find(above).map_or(0, |worst| sum(steps) - sum(worst))
    }
}

/// `AV PR UI`.
static EQ1: [Level; 3] = [
    Level { worst: &[&[0, 0, 0]], depth: 1 },
    Level { worst: &[&[1, 0, 0], &[0, 1, 0], &[0, 0, 1]], depth: 4 },
    Level { worst: &[&[3, 0, 0], &[1, 1, 1]], depth: 5 },
];

/// `AC AT`.
static EQ2: [Level; 2] = [Level { worst: &[&[0, 0]], depth: 1 }, Level { worst: &[&[1, 0], &[0, 1]], depth: 2 }];

/// `VC VI VA CR IR AR`, by EQ3 and EQ6. Where nothing is wholly lost, nothing can be that is highly required.
static EQ3_EQ6: [[Level; 2]; 3] = [
    [
        Level { worst: &[&[0, 0, 0, 0, 0, 0]], depth: 7 },
        Level { worst: &[&[0, 0, 1, 1, 1, 0], &[0, 0, 0, 1, 1, 1]], depth: 6 },
    ],
    [
        Level { worst: &[&[1, 0, 0, 0, 0, 0], &[0, 1, 0, 0, 0, 0]], depth: 8 },
        Level {
            worst: &[
                &[1, 0, 1, 0, 1, 0],
                &[1, 0, 0, 0, 1, 1],
                &[0, 1, 0, 1, 0, 1],
                &[0, 1, 1, 1, 0, 0],
                &[1, 1, 0, 0, 0, 1],
            ],
            depth: 8,
        },
    ],
    [Level { worst: &[], depth: 1 }, Level { worst: &[&[1, 1, 1, 0, 0, 0]], depth: 10 }],
];

/// `SC SI SA`.
static EQ4: [Level; 3] = [
    Level { worst: &[&[1, 0, 0]], depth: 6 },
    Level { worst: &[&[1, 1, 1]], depth: 5 },
    Level { worst: &[&[2, 2, 2]], depth: 4 },
];

static EQ5: Level = Level { worst: &[], depth: 1 };

/// Scores by EQ4, EQ5 and EQ6.
type Scores = [[[u8; 2]; 3]; 3];

/// Stands where there is no macrovector; no macrovector has this score.
const NO: u8 = 0;

/// The scores of macrovectors in tenths (`cvss_lookup.js` of FIRST's calculator), by EQ1, EQ2 and EQ3.
#[rustfmt::skip]
static SCORES: [[[Scores; 3]; 2]; 3] = [
    [
        [
            [[[100, 99], [98, 95], [95, 92]], [[100, 96], [93, 87], [91, 81]], [[93, 90], [89, 80], [81, 68]]],
            [[[98, 95], [95, 92], [90, 84]], [[93, 92], [89, 81], [81, 65]], [[88, 80], [78, 70], [69, 48]]],
            [[[NO, 92], [NO, 82], [NO, 72]], [[NO, 79], [NO, 69], [NO, 50]], [[NO, 69], [NO, 55], [NO, 27]]],
        ],
        [
            [[[99, 97], [95, 92], [92, 85]], [[95, 91], [90, 83], [84, 71]], [[92, 81], [82, 71], [72, 53]]],
            [[[95, 93], [92, 85], [85, 73]], [[92, 82], [80, 72], [70, 59]], [[84, 70], [71, 52], [50, 30]]],
            [[[NO, 86], [NO, 75], [NO, 52]], [[NO, 71], [NO, 52], [NO, 29]], [[NO, 63], [NO, 29], [NO, 17]]],
        ],
    ],
    [
        [
            [[[98, 95], [94, 87], [91, 81]], [[94, 89], [86, 74], [77, 64]], [[87, 75], [74, 63], [63, 49]]],
            [[[94, 89], [88, 77], [76, 67]], [[86, 76], [74, 58], [59, 50]], [[72, 57], [57, 52], [52, 25]]],
            [[[NO, 83], [NO, 70], [NO, 54]], [[NO, 65], [NO, 58], [NO, 26]], [[NO, 53], [NO, 21], [NO, 13]]],
        ],
        [
            [[[95, 90], [88, 76], [76, 70]], [[90, 77], [75, 62], [61, 53]], [[77, 66], [68, 59], [52, 30]]],
            [[[89, 78], [76, 67], [62, 58]], [[74, 59], [57, 57], [47, 23]], [[61, 52], [57, 29], [24, 16]]],
            [[[NO, 71], [NO, 59], [NO, 30]], [[NO, 58], [NO, 26], [NO, 15]], [[NO, 23], [NO, 13], [NO, 6]]],
        ],
    ],
    [
        [
            [[[93, 87], [86, 72], [75, 58]], [[86, 74], [74, 61], [56, 34]], [[70, 54], [52, 40], [40, 22]]],
            [[[85, 75], [74, 55], [62, 51]], [[72, 57], [55, 41], [46, 19]], [[53, 36], [34, 19], [19, 8]]],
            [[[NO, 64], [NO, 51], [NO, 20]], [[NO, 47], [NO, 21], [NO, 11]], [[NO, 24], [NO, 9], [NO, 4]]],
        ],
        [
            [[[88, 75], [73, 53], [60, 50]], [[73, 55], [59, 40], [41, 20]], [[54, 43], [45, 22], [20, 11]]],
            [[[75, 55], [58, 45], [40, 21]], [[61, 51], [48, 18], [20, 9]], [[46, 18], [17, 7], [8, 2]]],
            [[[NO, 53], [NO, 24], [NO, 14]], [[NO, 24], [NO, 12], [NO, 5]], [[NO, 10], [NO, 3], [NO, 1]]],
        ],
    ],
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Every vector, given by steps, with the macrovector that its steps make.
    fn combinations(highest: &[u16]) -> Vec<Vec<u16>> {
        highest.iter().fold(vec![Vec::new()], |all, &highest| {
            let with = |start: &Vec<u16>| (0..=highest).map(|step| [&start[..], &[step]].concat()).collect::<Vec<_>>();
            all.iter().flat_map(with).collect()
        })
    }

    fn reaches(level: &Level, steps: &[u16]) -> bool {
        level.worst.iter().any(|worst| worst.iter().zip(steps).all(|(worst, step)| worst <= step))
            && level.distance(steps) < level.depth
    }

    #[test]
    fn every_vector_lies_below_a_worst_one_and_above_the_next_class() {
        for steps in combinations(&[3, 2, 2]) {
            assert!(reaches(&EQ1[super::super::eq1([steps[0], steps[1], steps[2]])], &steps), "{steps:?}");
        }
        for steps in combinations(&[1, 1]) {
            assert!(reaches(&EQ2[usize::from(steps != [0, 0])], &steps), "{steps:?}");
        }
        for steps in combinations(&[2, 2, 2, 2, 2, 2]) {
            let (lost, wanted) = ([steps[0], steps[1], steps[2]], [steps[3], steps[4], steps[5]]);
            let level = &EQ3_EQ6[super::super::eq3(lost)][super::super::eq6(lost, wanted)];
            assert!(reaches(level, &steps), "{steps:?}");
        }
        for steps in combinations(&[3, 3, 3]).into_iter().filter(|steps| steps[0] > 0) {
            assert!(reaches(&EQ4[super::super::eq4([steps[0], steps[1], steps[2]])], &steps), "{steps:?}");
        }
    }

    #[test]
    fn a_lower_macrovector_has_no_higher_score() {
        let all = combinations(&[2, 1, 2, 2, 2, 1]);
        let macrovectors = all.iter().map(|s| s.iter().map(|&step| usize::from(step)).collect::<Vec<_>>());
        let mut count = 0;
        for s in macrovectors {
            let own = Macrovector { eq1: s[0], eq2: s[1], eq3: s[2], eq4: s[3], eq5: s[4], eq6: s[5] };
            let Some(score) = own.score() else {
                assert_eq!((own.eq3, own.eq6), (2, 0));
                continue;
            };
            count += 1;
            let lower = [
                Macrovector { eq1: own.eq1 + 1, ..own }.score(),
                Macrovector { eq2: own.eq2 + 1, ..own }.score(),
                own.lower_in_eq3_and_eq6(),
                Macrovector { eq4: own.eq4 + 1, ..own }.score(),
                Macrovector { eq5: own.eq5 + 1, ..own }.score(),
            ];
            assert!(lower.into_iter().flatten().all(|lower| lower <= score), "{own:?}");
        }
        assert_eq!(count, 270);
    }
}
