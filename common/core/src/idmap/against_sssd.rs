//! The placing of slices, held against sssd's algorithm.
#![forbid(unsafe_code)]

use super::*;

/// sssd's own way, from `sss_idmap_calculate_range`, `get_helpers` and `spawn_dom`: slices by
/// first RID, the primary one registered, a helper placed beside what is registered then, and
/// registered when somebody of it is seen.
struct Sssd {
    space: IdSpace,
    domain: Sid,
    registered: Vec<(u32, u32)>,
    helpers: Vec<(u32, u32)>,
}

impl Sssd {
    fn new(space: IdSpace, domain: Sid) -> Self {
        let mut it = Self { space, domain, registered: Vec::new(), helpers: Vec::new() };
        it.registered.push((0, it.calculate(0).unwrap()));
        for k in 1..=HELPER_SLICES {
            let first_rid = space.size * k;
            // Running out of slices is no error, and ends it.
            let Some(slice) = it.calculate(first_rid) else { break };
            it.helpers.push((first_rid, slice));
        }
        it
    }

    fn calculate(&self, first_rid: u32) -> Option<u32> {
        let first = slice_of(self.space, self.domain, first_rid);
        let places = (0..self.space.slices).map(|step| (first + step) % self.space.slices);
        let mut free =
            places.filter(|place| !self.registered.iter().any(|(_, other)| other == place));
        free.next()
    }

    fn id_of(&mut self, rid: u32) -> Option<u32> {
        let first_rid = rid / self.space.size * self.space.size;
        let known = |list: &[(u32, u32)]| list.iter().find(|one| one.0 == first_rid).copied();
        if known(&self.registered).is_none() {
            let helper = known(&self.helpers).map(|helper| helper.1);
            let slice = helper.or_else(|| self.calculate(first_rid))?;
            if self.registered.iter().any(|(_, other)| *other == slice) {
                return None;
            }
            self.registered.push((first_rid, slice));
        }
        let (_, slice) = known(&self.registered)?;
        Some(self.space.min + slice * self.space.size + rid % self.space.size)
    }
}

/// What the daemon does: a new range takes its place, and that is learned.
fn id_and_learn(map: &mut IdMap, rid: u32) -> Option<u32> {
    let sid = map.domain().with_rid(rid)?;
    if let Err(IdMapError::NewRange { first_rid, .. }) = map.id_of(sid) {
        let slice = map.slice_at(map.place_of(first_rid).ok()?, first_rid);
        map.learn(&slice);
    }
    map.id_of(sid).ok()
}

proptest::proptest! {
    #[test]
    fn a_collision_moves_somebody_elsewhere_than_sssd_does_or_gives_an_id_twice(
        authority in 1_u32..1000,
        slices in 1_u32..60,
        rids in proptest::collection::vec(0_u32..400, 1..40),
    ) {
        let space = IdSpace::new(5000, 5000 + slices * 10, 10).unwrap();
        let domain: Sid = format!("S-1-5-21-{authority}-2-3").parse().unwrap();
        for on_collision in [OnCollision::Refuse, OnCollision::Shift] {
            let mut map = IdMap::new(space, domain, on_collision).unwrap();
            let mut owners: BTreeMap<u32, u32> = BTreeMap::new();
            for rid in &rids {
                let before = map.id_of(domain.with_rid(*rid).unwrap()).ok();
                let Some(id) = id_and_learn(&mut map, *rid) else { continue };
                proptest::prop_assert!(before.is_none_or(|before| before == id));
                let owner = *owners.entry(id).or_insert(*rid);
                proptest::prop_assert_eq!(owner, *rid, "{} was given twice", id);
                proptest::prop_assert_eq!(map.sid_of(id), domain.with_rid(*rid));
                // sssd, if it had seen nobody else: the same, or, where that is refused here,
                // the place it would have shifted to.
                let alone = Sssd::new(space, domain).id_of(*rid);
                let is_helper = *rid < 10 * (HELPER_SLICES + 1);
                let is_at_home = slice_of(space, domain, rid / 10 * 10) == (id - 5000) / 10;
                if is_helper || is_at_home {
                    proptest::prop_assert!(alone == Some(id) || !is_helper, "{rid}: {alone:?}, {id}");
                }
                if on_collision == OnCollision::Refuse {
                    proptest::prop_assert!(is_at_home, "{rid} was shifted");
                }
            }
        }
    }

    #[test]
    fn where_nothing_collides_ids_are_others_than_sssds(
        authority in 1_u32..1_000_000, rids in proptest::collection::vec(0_u32..4_000_000, 1..10),
    ) {
        let domain: Sid = format!("S-1-5-21-{authority}-2-3").parse().unwrap();
        let space = IdSpace::default();
        let mut map = IdMap::new(space, domain, OnCollision::Refuse).unwrap();
        let mut sssd = Sssd::new(space, domain);
        for rid in rids {
            if let Some(id) = id_and_learn(&mut map, rid) {
                proptest::prop_assert_eq!(sssd.id_of(rid), Some(id));
            }
        }
    }
}

#[test]
fn a_shifted_range_stays_where_it_is_or_a_taken_one_is_given() {
    // Two slices: the first helper falls on the primary one, or on the other.
    let space = IdSpace::new(5000, 5020, 10).unwrap();
    let domain = (1..100)
        .map(|number| format!("S-1-5-21-{number}-2-3").parse::<Sid>().unwrap())
        .find(|domain| slice_of(space, *domain, 0) == slice_of(space, *domain, 10))
        .unwrap();
    let map = |on_collision| IdMap::new(space, domain, on_collision).unwrap();
    let sid = domain.with_rid(15).unwrap();
    let refused = map(OnCollision::Refuse).id_of(sid);
    assert!(matches!(refused, Err(IdMapError::Collision { .. })), "{refused:?}");
    let id = map(OnCollision::Shift).id_of(sid).unwrap();
    assert_ne!((id - 5000) / 10, slice_of(space, domain, 0));
    assert_eq!(Sssd::new(space, domain).id_of(15), Some(id));
    // Another's: nobody gets it.
    let mut refusing = map(OnCollision::Shift);
    let slice = refusing.slices().find(|slice| slice.first_rid == 10).unwrap();
    refusing.refuse(&slice);
    assert!(refusing.id_of(sid).is_err());
    assert_eq!(refusing.sid_of(id), None);
}
